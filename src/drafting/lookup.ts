import { certain } from '../math/distribution.js';
import { pathTo } from '../math/draft-tree.js';
import { type Distribution, type Draft, type Prefix, ROOT, type TokenId } from '../types.js';
import { LONGEST_ENDING } from './corpus.js';
import type { Drafter, DraftOptions, NextTokens } from './drafter.js';
import type { Found } from './free-source.js';
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

const NOTHING: Distribution = { tokens: new Int32Array(), logProbs: new Float64Array() };

/**
 * The same as a drafter sees a model, so that it can go on behind guesses of another source.
 * @param ofText the place that is found for the text without guesses, where it was searched for already
 */
export function lookupTokens(passages = new Passages(), ofText?: number): NextTokens {
  return async (prefix, tree, nodes) =>
    nodes.map((node) => {
      const guessed = pathTo(tree, node).map((one) => tree[one]!.token);
      const isFound = node === ROOT && ofText !== undefined;
      const token = prefix[isFound ? ofText : passages.afterLastOccurrence(prefix, guessed)];
      return token === undefined ? NOTHING : certain(token);
    });
}

/** Searches for the end of a text in what stands before it. */
export function searchPassages(passages: Passages, prefix: Prefix): Found {
  const place = passages.afterLastOccurrence(prefix);
  const most = place === prefix.length ? 0 : Math.min(LONGEST_ENDING, place);
  let matched = 0;
  while (matched < most && prefix[place - 1 - matched] === prefix[prefix.length - 1 - matched]) matched++;
  return { matched, next: lookupTokens(passages, place) };
}

function chainOf(tokens: readonly TokenId[]): Draft {
  return tokens.map((token, i) => ({ token, parent: i - 1, q: certain(token) }));
}
