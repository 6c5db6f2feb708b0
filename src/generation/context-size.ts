import type { Tokenizer } from '../engine/port.js';
import { ResourceError } from '../errors.js';
import type { Pair } from '../models/pair.js';
import { USUAL_CONTEXT } from '../models/usual-context.js';
import type { TokenId } from '../types.js';
import type { RunOptions } from './run-options.js';
import { UNLIMITED } from './settings.js';

/**
 * Returns the number of tokens that the context of one text holds. Without a limit of the text it is no larger than a text of
 * usual length needs, since what the target was trained on may not fit into memory.
 */
export function contextSizeFor(pair: Pair, run: RunOptions, promptTokens: number, maxTokens: number): number {
  const most = contextSizeOf(pair, run);
  const isOpen = run.contextSize === undefined && maxTokens === UNLIMITED;
  return isOpen ? Math.min(most, promptTokens + USUAL_CONTEXT) : most;
}

/** Returns the number of tokens that the context holds at most, from the options or else from the target's training. */
export function contextSizeOf({ targetHeader }: Pair, { contextSize }: RunOptions): number {
  return contextSize ?? (targetHeader.trainContextSize || Number.MAX_SAFE_INTEGER);
}

/** @throws ResourceError where no token fits behind the prompt */
export function refuseLongPrompt({ length }: readonly TokenId[], contextSize: number): void {
  if (length >= contextSize) throw tooLong(`${length}`, contextSize);
}

/**
 * Checks the length of texts before they are tokenized, since long texts take long.
 * @throws ResourceError where the length alone shows that they do not fit
 */
export function refuseLongTexts(
  texts: readonly string[],
  { fewestTokens }: Pick<Tokenizer, 'fewestTokens'>,
  contextSize: number,
): void {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes < contextSize) return;
  const fewest = texts.reduce((sum, text) => sum + fewestTokens(text), 0);
  if (fewest >= contextSize) throw tooLong(`at least ${fewest}`, contextSize);
}

function tooLong(tokens: string, contextSize: number): ResourceError {
  return new ResourceError(
    `The prompt has ${tokens} tokens and the context holds ${contextSize}, the text included: ` +
      'shorten it, or raise the context size (`contextSize`)',
  );
}
