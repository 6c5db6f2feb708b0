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
  if (!(error instanceof Error)) return String(error);
  if (verbose) return error.cause ? `${error.stack}\ncaused by: ${stackOf(error.cause)}` : stackOf(error);
  return exitCodeOf(error) === EXIT.failure ? `${error.message} (-v tells more)` : error.message;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
