import { expect, it } from 'vitest';
import { passMs } from '../../src/tuning/cost-curves.js';

const CURVE = [
  { rows: 1, ms: 4 },
  { rows: 5, ms: 8 },
  { rows: 9, ms: 20 },
];

it.each([
  [1, 4],
  [5, 8],
  [3, 6],
  [7, 14],
  [13, 32],
])('a pass of %d rows takes %d ms, along the lines between what was measured', (rows, ms) => {
  expect(passMs(CURVE, rows)).toBe(ms);
});

it('counts every row as much as the only one that was measured', () => {
  expect(passMs([{ rows: 1, ms: 4 }], 3)).toBe(12);
});
