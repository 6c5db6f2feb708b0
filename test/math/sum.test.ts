import { expect, it } from 'vitest';
import { sum } from '../../src/math/sum.js';

it('adds a value of each item, and is 0 of none', () => {
  expect(sum([1, 2, 4], (n) => n ** 2)).toBe(21);
  expect(sum([], () => 1)).toBe(0);
});
