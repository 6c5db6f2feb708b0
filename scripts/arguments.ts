/** What the scripts that write models have in common at the command line. */
import { type TensorType, tensorTypes } from './gguf-writer.js';

/** @throws RangeError naming the option and what it got */
export function positive(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new RangeError(`--${option} ${text} is not a positive whole number`);
  return Number(text);
}

/** @throws RangeError for what is no type of tensors */
export function tensorType(text: string): TensorType {
  const type = tensorTypes.find((type) => type === text);
  if (!type) throw new RangeError(`--type ${text} is not one of ${tensorTypes.join(', ')}`);
  return type;
}

/** Runs a script: what its user did wrong is said in one line on stderr, with exit code 1. */
export async function runScript(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    // Ours, and Node's own (an unknown option, no such folder), say what is wrong in their first line.
    if (!(error instanceof RangeError) && !(error instanceof Error && 'code' in error)) throw error;
    process.stderr.write(`${error.message.split('\n')[0]}\n`);
    process.exitCode = 1;
  }
}

/** One line about a model file. */
export function describeFile(path: string, parameters: number, bytes: number): string {
  return `${path}: ${(parameters / 1e6).toFixed(1)} M parameters, ${(bytes / 1e6).toFixed(1)} MB\n`;
}
