import { certain } from '../math/distribution.js';
import type { Draft, TokenId } from '../types.js';
import type { Drafter, DraftOptions } from './drafter.js';
import { Passages } from './passages.js';

/**
 * Prompt lookup (Saxena 2023): guesses that the text goes on as it did the last time it came to these words.
 * No model is asked; the guess is certain of itself, q = 1.
 *
 * @param passages of a text before, which the next one may begin with
 */
export function lookupDrafter({ length, isEnd }: DraftOptions, passages = new Passages()): Drafter {
  return async (prefix, room) => {
    const start = passages.afterLastOccurrence(prefix);
    const following = prefix.slice(start, start + length.begin(room, false));
    const end = following.findIndex(isEnd);
    const guessed = end === -1 ? following : following.slice(0, end + 1);
    return chainOf(guessed.slice(0, length.judged(guessed.map(() => 0))));
  };
}

function chainOf(tokens: readonly TokenId[]): Draft {
  return tokens.map((token, i) => ({ token, parent: i - 1, q: certain(token) }));
}
