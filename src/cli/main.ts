import { isatty } from 'node:tty';
import { type Command, CommanderError } from 'commander';
import { readCommandLine } from './command-line.js';
import { EXIT, exitCodeOf, messageOf } from './failures.js';

/** Runs one command line. The process ends by itself, with `process.exitCode` set. */
export async function main(args: readonly string[]): Promise<void> {
  survivePipes();
  surviveTerminal();
  process.on('SIGXFSZ', () => {}); // a limit on the size of files (ulimit -f) fails the write instead
  let program: Command | undefined;
  try {
    const line = await readCommandLine(args);
    program = line.program;
    await program.parseAsync(line.args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError))
      process.stderr.write(`mtad: ${messageOf(error, isVerbose(program, args))}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

/** Node aborts at its end, with a stack trace, over a terminal that is gone: ends as closing it would have ended the process. */
function surviveTerminal(): void {
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  process.once('exit', () => {
    if (terminals.every((descriptor) => isatty(descriptor))) return;
    process.removeAllListeners('SIGHUP'); // those of the spinner too
    process.kill(process.pid, 'SIGHUP');
  });
}

/** Also before anything was parsed. */
function isVerbose(program: Command | undefined, args: readonly string[]): boolean {
  return program?.opts().verbose ?? (args.includes('-v') || args.includes('--verbose'));
}

/** A reader that leaves is no failure of ours, and what is said beside the text is never worth losing the text for. */
function survivePipes(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || error.code === 'EIO') return; // nobody at the other end, of a terminal too
    process.exitCode = EXIT.failure;
    process.stderr.write(`mtad: Cannot write standard output: ${error.message}\n`);
  });
}
