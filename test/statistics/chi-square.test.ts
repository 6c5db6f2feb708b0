import { describe, expect, it } from 'vitest';
import { chiSquareTest, misfit, upperTail } from '../support/chi-square.js';

/** Critical values from the tables (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4). */
const TABLE = [
  { freedom: 1, p: 0.05, statistic: 3.841 },
  { freedom: 1, p: 0.001, statistic: 10.828 },
  { freedom: 5, p: 0.01, statistic: 15.086 },
  { freedom: 10, p: 0.9, statistic: 4.865 },
  { freedom: 30, p: 0.95, statistic: 18.493 },
  { freedom: 50, p: 0.001, statistic: 86.661 },
  { freedom: 100, p: 0.999, statistic: 61.918 },
];

describe('upperTail', () => {
  it.each(TABLE)('is $p at $statistic with $freedom degrees of freedom', ({ freedom, p, statistic }) => {
    expect(upperTail(statistic, freedom) / p).toBeCloseTo(1, 2);
  });

  it('is exp(-x/2) with two degrees of freedom, however rare', () => {
    for (const x of [0, 0.1, 1, 3, 3.9, 4.1, 20, 200])
      expect(upperTail(x, 2) / Math.exp(-x / 2)).toBeCloseTo(1, 9);
  });

  it('falls from 1 to 0 without a jump where the method changes', () => {
    for (const freedom of [1, 2, 7, 60]) {
      const change = freedom + 2;
      expect(upperTail(change - 1e-9, freedom)).toBeCloseTo(upperTail(change + 1e-9, freedom), 8);
      expect(upperTail(0, freedom)).toBe(1);
      expect(upperTail(1000, freedom)).toBeLessThan(1e-100);
    }
  });
});

describe('chiSquareTest', () => {
  it('is 0 for counts that are just as expected', () => {
    const counts = new Map([
      ['a', 50],
      ['b', 30],
      ['c', 20],
    ]);
    const probabilities = new Map([
      ['a', 0.5],
      ['b', 0.3],
      ['c', 0.2],
    ]);
    expect(chiSquareTest(counts, probabilities)).toEqual({ statistic: 0, degreesOfFreedom: 2, p: 1 });
  });

  it('puts rare outcomes together with those that have no probability', () => {
    const counts = new Map([
      ['a', 90],
      ['rare', 4],
      ['unheard of', 6],
    ]);
    const probabilities = new Map([
      ['a', 0.9],
      ['rare', 0.04],
      ['never seen', 0.04],
    ]);
    expect(chiSquareTest(counts, probabilities)).toMatchObject({ statistic: 0, degreesOfFreedom: 1 });
  });

  it('notices outcomes that are not to be', () => {
    const probabilities = new Map([
      ['heads', 0.5],
      ['tails', 0.5],
    ]);
    const p = (heads: number) =>
      chiSquareTest(
        new Map([
          ['heads', heads],
          ['tails', 1000 - heads],
        ]),
        probabilities,
      ).p;
    expect(p(500)).toBe(1);
    expect(p(530)).toBeCloseTo(0.0578, 4); // |530 - 500| is 1.897 deviations
    expect(p(600)).toBeLessThan(1e-9);
  });
});

describe('misfit', () => {
  const probabilities = new Map([
    ['heads', 0.5],
    ['tails', 0.5],
    ['edge', 0],
  ]);
  const tosses = (heads: number, tails: number) => [
    ...new Array<string>(heads).fill('heads'),
    ...new Array<string>(tails).fill('tails'),
  ];

  it('grows by one for draws that are ten times less likely', () => {
    expect(misfit(tosses(500, 500), probabilities)).toBeCloseTo(0, 12);
    expect(misfit(tosses(530, 470), probabilities)).toBeCloseTo(-Math.log10(0.0578), 3);
  });

  it('is infinite where an impossible one was drawn', () => {
    expect(misfit([...tosses(50, 50), 'edge'], probabilities)).toBe(Infinity);
    expect(misfit([...tosses(50, 50), 'lost'], probabilities)).toBe(Infinity);
  });
});
