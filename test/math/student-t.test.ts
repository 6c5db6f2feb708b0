import { expect, it } from 'vitest';
import { studentT } from '../../src/math/student-t.js';

const Z_975 = 1.959964;
const Z_999 = 3.090232;

it.each([
  [Z_975, 6, 2.4469],
  [Z_975, 10, 2.2281],
  [Z_975, 30, 2.0423],
  [Z_999, 6, 5.2076],
  [Z_999, 10, 4.1437],
  [Z_999, 30, 3.3852],
])('of normal quantile %d and %d degrees of freedom is %d, as in tables', (z, freedom, expected) => {
  expect(Math.abs(studentT(z, freedom) / expected - 1)).toBeLessThan(0.01);
});

it('has all terms of the expansion', () => {
  expect(studentT(1, 1)).toBeCloseTo(1 + 1 / 2 + 1 / 4 + 1 / 16 - 528 / 92160, 12);
  expect(studentT(2, 2)).toBeCloseTo(
    2 + 10 / 4 / 2 + 294 / 96 / 2 ** 2 + 1098 / 384 / 2 ** 3 + 169_950 / 92160 / 2 ** 4,
    12,
  );
  expect(studentT(0, 3)).toBe(0);
});
