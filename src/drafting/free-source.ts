import type { Distribution, DraftSource, Prefix, Rng, TokenId } from '../types.js';
import type { DraftOptions, NextTokens } from './drafter.js';

/** A source of guesses that takes no pass of a model. */
export interface FreeSource {
  readonly name: DraftSource;
  readonly next: NextTokens;
  readonly search: (prefix: Prefix) => Found;
}

/** What such a source has of the end of a text. */
export interface Found {
  /** Tokens of the text's end: [0..LONGEST_ENDING]. 0 = it guesses nothing. */
  readonly matched: number;
  /** As `next` of the source, which searches for this end no more. */
  readonly next: NextTokens;
}

/** How such guesses are made. */
export interface FreeOptions extends DraftOptions {
  /** Takes a token of a distribution. */
  readonly choose: (q: Distribution, rng: Rng) => TokenId;
}
