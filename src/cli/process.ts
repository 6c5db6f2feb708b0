import { isatty } from 'node:tty';
import { isMachineLost } from '../engine/rpc-losses.js';
import { EXIT } from './failures.js';
import { main } from './main.js';

/** Runs the command line that this process was started with. The process ends by itself, with `process.exitCode` set. */
export async function runProcess(): Promise<void> {
  survivePipes();
  surviveTerminal();
  process.on('SIGXFSZ', () => {}); // a limit on the size of files (ulimit -f) fails the write instead
  process.exitCode = await main({
    argv: process.argv.slice(2),
    get stdin() {
      return process.stdin;
    },
    stdinFd: 0,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signals: process,
  });
  if (isMachineLost()) process.exit();
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

/** A reader that leaves is no failure of ours, and what is said beside the text is never worth losing the text for. */
function survivePipes(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || error.code === 'EIO') return; // nobody at the other end, of a terminal too
    process.exitCode = EXIT.failure;
    process.stderr.write(`mtad: Cannot write standard output: ${error.message}\n`);
  });
}
