import { CommanderError } from 'commander';
import { ModelFileError, PairMismatchError, ResourceError, UsageError } from '../errors.js';

/** Exit codes that scripts may rely on. An interrupted run ends with 128 + the number of the signal. */
export const EXIT = { ok: 0, failure: 1, usage: 2, modelFile: 3, pair: 4, resources: 5 } as const;

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof ModelFileError) return EXIT.modelFile;
  if (error instanceof PairMismatchError) return EXIT.pair;
  if (error instanceof ResourceError) return EXIT.resources;
  return EXIT.failure;
}

/** Returns the message of an error in one line or, with `verbose`, its stack and the cause's. */
export function messageOf(error: unknown, verbose: boolean): string {
  if (!(error instanceof Error)) return inOneLine(String(error));
  if (verbose) return error.cause ? `${error.stack}\ncaused by: ${stackOf(error.cause)}` : stackOf(error);
  const message = inOneLine(error.message);
  return exitCodeOf(error) === EXIT.failure ? `${message} (-v tells more)` : message;
}

/** Messages of other programs, as of the system's libraries, may have several. */
function inOneLine(message: string): string {
  return message.trim().replaceAll(/\s*[\r\n\u2028\u2029]\s*/g, ' ');
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
