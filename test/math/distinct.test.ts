import { describe, expect, it } from 'vitest';
import { distinct } from '../../src/math/distinct.js';

describe('distinct', () => {
  it.each([
    { tokens: [1, 2, 3, 4], n: 1, expected: 1 },
    { tokens: [1, 2, 1, 2], n: 1, expected: 2 / 4 },
    { tokens: [1, 2, 1, 2], n: 2, expected: 2 / 3 }, // 12 21 12
    { tokens: [1, 2, 1, 2], n: 3, expected: 2 / 2 }, // 121 212
    { tokens: [7, 7, 7, 7, 7], n: 2, expected: 1 / 4 },
    { tokens: [1, 12, 11, 2, 1], n: 2, expected: 4 / 4 }, // (1, 12) is not (11, 2), nor 112
    { tokens: [5, 6], n: 2, expected: 1 },
  ])('of $tokens, n = $n, is $expected', ({ tokens, n, expected }) => {
    expect(distinct(tokens, n)).toBe(expected);
  });

  it('falls with each repetition of a text', () => {
    const values = [1, 2, 3, 4].map((times) => distinct(Array(times).fill([1, 2, 3, 4, 5]).flat(), 2));
    expect(values).toEqual([4 / 4, 5 / 9, 5 / 14, 5 / 19]);
  });

  it.each([
    { tokens: [], n: 1 },
    { tokens: [1], n: 2 },
    { tokens: [1], n: 3 },
  ])('is no number for $tokens, n = $n', ({ tokens, n }) => {
    expect(distinct(tokens, n)).toBeNaN();
  });
});
