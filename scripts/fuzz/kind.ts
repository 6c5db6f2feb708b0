import { writeFile } from 'node:fs/promises';
import type { Rng } from '../../src/types.js';
import { runInProcess } from '../../test/support/run-in-process.js';

/** Tries one case, made by chance. @returns what is wrong; undefined: all is well */
export type Try = (rng: Rng) => Promise<string | undefined>;

/** A kind of hostile input: what is to be done once in a process, whose working folder is empty, before its cases. */
export type Kind = () => Promise<Try>;

/** Files, and the command lines that are to live with them. */
export interface Trial {
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly lines: readonly (readonly string[])[];
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
}

/** Writes the files of a trial and runs its command lines. */
export async function tried({ files, lines, input, env = {} }: Trial): Promise<string | undefined> {
  for (const [name, content] of Object.entries(files)) await writeFile(name, content);
  for (const args of lines) {
    const options = input === undefined ? { env } : { input, env };
    const { exitCode, stdout, stderr } = await runInProcess(args, options);
    const report = args[0] === 'inspect' ? stdout : ''; // of a generation it is the model's text
    const said = stderr + report;
    const wrong = wrongIn(said, exitCode);
    if (wrong !== undefined) return `${wrong}: mtad ${args.join(' ').slice(0, 200)}: ${said.slice(0, 500)}`;
  }
  return undefined;
}

/** Words of errors that nobody wrote for a reader. A template may call "something that is not a function". */
const UNTOLD =
  /^\s+at .*:\d+|TypeError|(?<!something that )is not a function|Cannot (read|set) propert|not iterable|call stack|Invalid (array|string) length/m;
const CONTROL = /(?![\n\t]|\r\n)\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;

export function wrongIn(said: string, exitCode: number): string | undefined {
  if (UNTOLD.test(said)) return 'stack trace';
  if (CONTROL.test(said)) return 'control characters';
  if (![0, 1, 2, 3, 4, 5].includes(exitCode)) return `exit code ${exitCode}`;
  if (exitCode !== 0 && said.trim() === '') return 'silence';
  return undefined;
}
