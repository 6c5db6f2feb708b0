import { expect, it } from 'vitest';
import { tokensPerPass } from '../../src/tuning/corpus-worth.js';
import { corpusOf } from '../support/corpus-of.js';

const COUNTED = Array.from({ length: 30 }, (_, i) => i);

it('counts the passes that guesses from a corpus would have taken, of eight guesses and one token more', () => {
  const corpus = corpusOf(COUNTED);
  expect(tokensPerPass(corpus, COUNTED.slice(0, 6))).toBe(4); // behind the first two, in one pass
  expect(tokensPerPass(corpus, COUNTED.slice(0, 22))).toBe(20 / 3); // 9, 9 and 2
  expect(tokensPerPass(corpus, [0, 1, 2, 3, 9, 4, 5, 6])).toBe(6 / 4); // 2 3 9, then nothing is known behind 9, nor behind 4
});

it('is one of a text that the corpus does not know, and says nothing of one that is too short', () => {
  expect(tokensPerPass(corpusOf(COUNTED), [9, 8, 7, 6])).toBe(1);
  expect(tokensPerPass(corpusOf(COUNTED), [0, 1])).toBeUndefined();
});

it('looks at the last tokens of a long text', () => {
  const long = [...new Array(2000).fill(40), ...Array.from({ length: 600 }, (_, i) => i)];
  expect(tokensPerPass(corpusOf(long), long)).toBeCloseTo(512 / Math.ceil(512 / 9), 9);
});
