import type { Strategy } from '../../src/decoding/strategy.js';
import { Corpus, LONGEST_ENDING } from '../../src/drafting/corpus.js';
import { sortByEnding } from '../../src/math/sort-endings.js';

/** A corpus of these tokens. */
export function corpusOf(tokens: readonly number[]): Corpus {
  const order = Uint32Array.from(tokens.keys());
  sortByEnding(order, tokens, LONGEST_ENDING);
  return new Corpus(tokens, order);
}

/**
 * The strategy, judging guesses as if they had been drawn from one token of what they were drawn from as readily as from any
 * other. (Guesses that count as certain, q = 1, leave the text right whatever they were drawn from: only fewer are accepted.)
 * @param from the first guess of a draft that is judged so
 */
export function judgingEvenly(strategy: Strategy, from = 0): Strategy {
  return {
    ...strategy,
    accept: (draft, p, rng) => {
      const even = draft.map(({ q, ...node }, i) => {
        return {
          ...node,
          q: i < from ? q : { ...q, logProbs: q.logProbs.map(() => -Math.log(q.tokens.length)) },
        };
      });
      return strategy.accept(even, p, rng);
    },
  };
}
