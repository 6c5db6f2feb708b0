import { certain } from '../math/distribution.js';
import type { Draft, Prefix, TokenId } from '../types.js';
import type { Drafter, DraftOptions } from './drafter.js';

/** Tokens that an earlier passage must share with the end of the text, at most. */
const LONGEST_MATCH = 3;

/**
 * Prompt lookup (Saxena 2023): guesses that the text goes on as it did the last time it came to these words.
 * No model is asked; the guess is certain of itself, q = 1.
 */
export function lookupDrafter({ gamma, isEnd }: DraftOptions): Drafter {
  return async (prefix, room) => {
    const following = afterLastOccurrence(prefix).slice(0, Math.min(gamma, room));
    const end = following.findIndex(isEnd);
    return chainOf(end === -1 ? following : following.slice(0, end + 1));
  };
}

/** The tokens after the last earlier occurrence of the longest possible end of the text. */
function afterLastOccurrence(prefix: Prefix): readonly TokenId[] {
  for (let n = LONGEST_MATCH; n > 0; n--) {
    const tail = prefix.slice(-n);
    for (let start = prefix.length - n - 1; start >= 0; start--)
      if (tail.every((token, i) => prefix[start + i] === token)) return prefix.slice(start + n);
  }
  return [];
}

function chainOf(tokens: readonly TokenId[]): Draft {
  return tokens.map((token, i) => ({ token, parent: i - 1, q: certain(token) }));
}
