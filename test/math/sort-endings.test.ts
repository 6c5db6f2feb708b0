import fc from 'fast-check';
import { expect, it } from 'vitest';
import { comesBefore, sortByEnding } from '../../src/math/sort-endings.js';

const endingsOf = (order: Iterable<number>, tokens: readonly number[], depth: number) =>
  Array.from(order, (position) => tokens.slice(Math.max(0, position - depth), position).reverse());

const compare = (a: readonly number[], b: readonly number[]) => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
};

it('sorts all positions by the tokens before them, the last one first', () => {
  const texts = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 120, size: 'max' });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 6 }), fc.boolean(), (tokens, depth, isReversed) => {
      const order = Uint32Array.from(tokens.keys());
      if (isReversed) order.reverse();
      sortByEnding(order, tokens, depth);
      expect([...order].sort((a, b) => a - b)).toEqual([...tokens.keys()]);
      const endings = endingsOf(order, tokens, depth);
      expect(endings).toEqual(endings.toSorted(compare));
    }),
  );
});

it('puts no position before itself, nor before one with the same tokens before it', () => {
  expect(comesBefore([1, 2], 1, 1, 1, 9)).toBe(false);
  expect(comesBefore([1, 2, 1, 2, 3], 2, 4, 1, 2)).toBe(false);
  expect(comesBefore([1, 2, 1, 2, 3], 2, 4, 1, 3)).toBe(true); // where the text began before
});

it('takes a text that repeats one token in its stride', () => {
  const tokens = new Uint16Array(200_000);
  const order = Uint32Array.from(tokens.keys());
  sortByEnding(order, tokens, 16);
  expect([...order.subarray(0, 3)]).toEqual([0, 1, 2]); // whose endings are shorter
});
