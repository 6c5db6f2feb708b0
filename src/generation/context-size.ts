import { ResourceError } from '../errors.js';
import type { Pair } from '../models/pair.js';
import type { TokenId } from '../types.js';
import type { RunOptions } from './run-options.js';

/** Tokens that the context holds: as many as are asked for, or as the target was trained on. */
export function contextSizeOf({ targetHeader }: Pair, { contextSize }: RunOptions): number {
  return contextSize ?? (targetHeader.trainContextSize || Number.MAX_SAFE_INTEGER);
}

/** @throws ResourceError when no token fits behind it */
export function refuseLongPrompt({ length }: readonly TokenId[], contextSize: number): void {
  if (length >= contextSize)
    throw new ResourceError(
      `The prompt has ${length} tokens and the context holds ${contextSize}, the text included: ` +
        'shorten it, or raise the context size (--ctx-size)',
    );
}
