import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LONGEST_ENDING } from '../../src/drafting/corpus.js';
import { grown, merged } from '../../src/drafting/grow-corpus.js';
import { createRng } from '../../src/math/rng.js';
import { comesBefore, sortByEnding } from '../../src/math/sort-endings.js';
import { corpusOf } from '../support/corpus-of.js';

test('a corpus that grows is that of its last tokens, sorted', () => {
  const list = (maxLength: number) => fc.array(fc.integer({ min: 0, max: 2 }), { maxLength, size: 'max' });
  fc.assert(
    fc.property(list(60), list(60), fc.integer({ min: 1, max: 90 }), (before, more, most) => {
      const tokens = Uint16Array.from(before);
      const order = Uint32Array.from(tokens.keys());
      sortByEnding(order, tokens, LONGEST_ENDING);
      const all = grown({ tokens, order }, more, Math.max(most, before.length));
      const cut = grown(all, [1, 2, 1], most);
      const texts = [...before, ...more].slice(-Math.max(most, before.length));
      for (const [result, expected] of [
        [all, texts],
        [cut, [...texts, 1, 2, 1].slice(-most)],
      ] as const) {
        expect([...result.tokens]).toEqual(expected);
        expect([...result.order].sort((a, b) => a - b)).toEqual([...expected.keys()]);
        for (const [i, position] of result.order.entries())
          if (i > 0)
            expect(comesBefore(result.tokens, position, result.order[i - 1]!, 1, LONGEST_ENDING)).toBe(false);
      }
    }),
  );
});

test('a long corpus of a large vocabulary loses its oldest tokens, and is sorted as if it had begun there', () => {
  const rng = createRng(1);
  const tokens = Uint32Array.from({ length: 100 }, () => 70_000 + Math.floor(4 * rng())); // no ending occurs twice
  const { order } = corpusOf([...tokens]);
  const expected = [...tokens, 70_001, 70_002].slice(-100);
  const result = grown({ tokens, order }, [70_001, 70_002], 100);
  expect([...result.tokens]).toEqual(expected);
  expect(result.order).toEqual(corpusOf(expected).order);
});

test('few places are merged into many by few comparisons, equal ones last', () => {
  const many = Uint32Array.from({ length: 2 ** 12 }, (_, i) => 2 * i);
  const few = Uint32Array.of(0, 7, 7, 6001, 2 ** 20);
  let comparisons = 0;
  const result = merged(many, few, (a, b) => {
    comparisons += 1;
    return a < b;
  });
  expect(result).toEqual(Uint32Array.from([...many, ...few]).sort());
  expect(comparisons).toBeLessThanOrEqual(few.length * 13);
});
