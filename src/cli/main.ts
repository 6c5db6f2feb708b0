import { CommanderError } from 'commander';
import { createBenchmarkProgram } from './benchmark-program.js';
import { EXIT, exitCodeOf, messageOf } from './failures.js';
import { createProgram } from './program.js';
import { acceptLlamaCppSpellings, refuseLaterCommand } from './spelling.js';

/** Runs one command line. The process ends by itself, with `process.exitCode` set. */
export async function main(args: readonly string[]): Promise<void> {
  survivePipes();
  try {
    refuseLaterCommand(args[0]);
    const [command, ...rest] = acceptLlamaCppSpellings(args);
    if (command === 'benchmark') await createBenchmarkProgram().parseAsync(rest, { from: 'user' });
    else await createProgram().parseAsync(acceptLlamaCppSpellings(args), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) process.stderr.write(`mtad: ${messageOf(error, args)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

/** A reader that leaves is no failure of ours, and what is said beside the text is never worth losing the text for. */
function survivePipes(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode = EXIT.failure;
  });
}
