import type { Corpus } from '../drafting/corpus.js';
import { SHORTEST_ENDING } from '../drafting/corpus-tokens.js';
import type { TokenId } from '../types.js';

/** Guesses in a row of a step. */
const GUESSES = 8;

/** Tokens of a text that are looked at, its last ones: a lookup takes microseconds, and a text may be long. */
const MOST = 512;

/**
 * Estimates the tokens per pass of the target that guesses from a corpus alone would have brought in a text that is written. The
 * text is gone through as a drafter would: at each place up to eight likeliest continuations, of which those count that the text
 * has, and one more token. It is low for rules that accept other tokens than the likeliest ones; it is exact at temperature 0.
 * @param text that is not in the corpus
 * @returns >= 1; undefined for a text that is too short to tell
 */
export function tokensPerPass(corpus: Corpus, text: readonly TokenId[]): number | undefined {
  const start = Math.max(SHORTEST_ENDING, text.length - MOST);
  if (start >= text.length) return undefined;
  let [at, passes] = [start, 0];
  while (at < text.length) {
    const step = at;
    while (at < text.length && at - step < GUESSES && likeliest(corpus, text, at) === text[at]) at++;
    at++; // the target's own
    passes++;
  }
  return Math.max(1, (text.length - start) / passes);
}

function likeliest(corpus: Corpus, text: readonly TokenId[], at: number): TokenId | undefined {
  const found = corpus.search((places) => text[at - places]);
  return corpus.following(found, SHORTEST_ENDING).tokens[0];
}
