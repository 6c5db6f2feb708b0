import type { Distribution, DraftSource, Prefix, Rng, TokenId } from '../types.js';
import type { DraftOptions, NextTokens } from './drafter.js';

/** A source of guesses that takes no pass of a model. */
export interface FreeSource {
  readonly name: DraftSource;
  readonly next: NextTokens;
  /** Tokens of the text's end that it has: [0..LONGEST_ENDING]. 0 = it guesses nothing. */
  readonly matched: (prefix: Prefix) => number;
}

/** How such guesses are made. */
export interface FreeOptions extends DraftOptions {
  /** Takes a token of a distribution. */
  readonly choose: (q: Distribution, rng: Rng) => TokenId;
}
