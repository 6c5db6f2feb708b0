import { CommanderError } from 'commander';
import { exitCodeOf, messageOf } from './failures.js';
import { createProgram } from './program.js';
import { acceptLlamaCppSpellings, refuseUnknownCommand } from './spelling.js';

/** Runs one command line. The process ends by itself, with `process.exitCode` set. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    refuseUnknownCommand(args);
    const [first, ...rest] = args;
    const words = acceptLlamaCppSpellings(first === 'generate' ? rest : args);
    await createProgram().parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) process.stderr.write(`mtad: ${messageOf(error, args)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
