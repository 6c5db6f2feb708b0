import { cumulativeStdNormalProbability, mean } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { bootstrap } from '../../src/math/bootstrap.js';
import { createRng } from '../../src/math/rng.js';
import type { Rng } from '../../src/types.js';
import { tries } from '../support/tries.js';

const average = (sample: readonly number[]) => mean([...sample]);

/** Box and Muller. */
const gaussian = (rng: Rng) => Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());

describe('bootstrap', () => {
  it.each([
    { what: 'a bell', count: 60, draw: gaussian, truth: 0 },
    { what: 'a bell', count: 10, draw: gaussian, truth: 0 },
    { what: 'a bell', count: 6, draw: gaussian, truth: 0 },
    { what: 'a skewed distribution', count: 60, draw: (rng: Rng) => -Math.log(1 - rng()), truth: 1 },
  ])('gives an interval of $count that holds the true mean of $what 95 times in 100', (one) => {
    const { count, draw, truth } = one;
    const rng = createRng(7);
    const sets = tries(400, 1000);
    let held = 0;
    for (let i = 0; i < sets; i++) {
      const items = Array.from({ length: count }, () => draw(rng));
      const { low, high } = bootstrap(items, average, rng)!;
      if (low! <= truth && truth <= high!) held++;
    }
    expect(held / sets).toBeGreaterThan(0.915); // one standard error is 0.007 of 1,000 sets, 0.011 of 400
    expect(held / sets).toBeLessThan(0.98);
  });

  it('gives the statistic of the items themselves as the value, inside its interval', () => {
    const items = [3, 1, 4, 1, 5, 9, 2, 6];
    const { value, low, high } = bootstrap(items, average, createRng(1))!;
    expect(value).toBe(31 / 8);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    expect(low).toBeGreaterThanOrEqual(1);
    expect(high).toBeLessThanOrEqual(9);
  });

  it.each([5, 6, 8, 10, 40])(
    'leaves resamples beyond both bounds of %d items: not the extremes by chance',
    (count) => {
      const items = Array.from({ length: count }, (_, i) => Math.exp(i / 3) + i ** 0.5);
      const seen: number[] = [];
      const watched = (sample: readonly number[]) => {
        seen.push(average(sample));
        return seen.at(-1)!;
      };
      const { low, high } = bootstrap(items, watched, createRng(1))!;
      expect(seen.filter((value) => value < low!).length).toBeGreaterThan(0);
      expect(seen.filter((value) => value > high!).length).toBeGreaterThan(0);
    },
  );

  it('tells the same for the same coins', () => {
    const items = [3.1, 1.4, 4.15, 1.92, 5.65, 9.35];
    const [a, b, c] = [1, 1, 2].map((seed) => bootstrap(items, average, createRng(seed)));
    expect(b).toEqual(a);
    expect(c).not.toEqual(a);
  });

  it('is sure where all items are alike', () => {
    expect(bootstrap([2, 2, 2, 2, 2], average, createRng(1))).toEqual({ value: 2, low: 2, high: 2 });
  });

  it.each([[[5]], [[1, 9]], [[3, 9, 3]], [[4, 5, 5, 6]]])('knows no bounds of so few as %j', (items) => {
    expect(bootstrap(items, average, createRng(1))).toEqual({ value: 5, low: null, high: null });
  });

  it.each([
    ['hardly any', (sample: readonly number[]) => new Set(sample).size === sample.length],
    ['one in two', ([first]: readonly number[]) => first! < 10],
  ])('knows no bounds where %s sample of the items gives a number', (_, isNumber) => {
    const items = Array.from({ length: 20 }, (_, i) => i);
    const sometimes = (sample: readonly number[]) => (isNumber(sample) ? 1 : Number.NaN);
    expect(bootstrap(items, sometimes, createRng(1))).toEqual({ value: 1, low: null, high: null });
  });

  it("takes as many resamples as put ten beyond either bound, by Student's t of one degree of freedom less", () => {
    let samples = 0;
    const counted = (sample: readonly number[]) => {
      samples++;
      return average(sample);
    };
    bootstrap([3.1, 1.4, 4.15, 1.92, 5.65, 9.35], counted, createRng(1));
    const t = 2.5706; // two-sided 95 %, 5 degrees of freedom, from a table
    const expected = 10 / cumulativeStdNormalProbability(-Math.sqrt(6 / 5) * t);
    expect((samples - 1) / expected).toBeCloseTo(1, 1);
  });

  it.each([{ items: [] }, { items: [0] }, { items: [0, 0] }])(
    'knows nothing where the statistic of $items is no number',
    ({ items }) => {
      expect(bootstrap<number>(items, (sample) => 1 / Math.max(0, ...sample), createRng(1))).toBeNull();
    },
  );
});
