import { describe, expect, it } from 'vitest';
import { growth, joulesBetween, type Sample } from '../../src/energy/counters.js';

/** Counters that read `joules` at that time; by default they never wrap around. */
const sample = (
  seconds: number,
  joules: readonly number[],
  range: number = Number.POSITIVE_INFINITY,
): Sample => ({
  atMs: seconds * 1000,
  counts: joules.map((joules, i) => ({ name: `package-${i}`, joules, range })),
});

describe('growth', () => {
  it('adds up what every counter grew by', () => {
    expect(growth(sample(0, [10, 500]), sample(2, [110, 650]))).toBe(250);
  });

  it('is 0 between two readings of the same value', () => {
    expect(growth(sample(0, [10], 65_536), sample(0, [10], 65_536))).toBe(0);
  });

  it('goes on where a counter begins again, each on its own', () => {
    expect(growth(sample(0, [65_500, 30], 65_536), sample(2, [64, 130], 65_536))).toBe(100 + 100);
  });

  it('does not tell after so long a time that a counter may have begun again twice', () => {
    expect(growth(sample(0, [100], 65_536), sample(32, [200], 65_536))).toBe(100);
    expect(growth(sample(0, [100], 65_536), sample(33, [200], 65_536))).toBeNull();
  });

  it('takes a step back for a reset where the way round would take more power than there is', () => {
    expect(growth(sample(0, [30_000], 65_536), sample(2, [29_000], 65_536))).toBeNull();
    expect(growth(sample(0, [30_000]), sample(2, [29_000]))).toBeNull();
  });

  it('does not believe a leap', () => {
    expect(growth(sample(0, [10, 0]), sample(1, [10, 1e6]))).toBeNull();
  });

  it('believes a counter that catches up all at once', () => {
    expect(growth(sample(0, [10]), sample(0.001, [50]))).toBe(40);
  });
});

describe('joulesBetween', () => {
  it('is the difference of two readings of one run', () => {
    expect(joulesBetween({ run: 1, joules: 20 }, { run: 1, joules: 50 })).toBe(30);
  });

  it('is null across runs, and where a reading is missing', () => {
    const reading = { run: 1, joules: 20 };
    expect(joulesBetween({ run: 0, joules: 10 }, reading)).toBeNull();
    expect(joulesBetween(null, reading)).toBeNull();
    expect(joulesBetween(reading, null)).toBeNull();
  });
});
