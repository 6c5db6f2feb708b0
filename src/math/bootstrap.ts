import { cumulativeStdNormalProbability, quantile } from 'simple-statistics';
import type { Rng } from '../types.js';

/** A figure with its 95 % interval; null bounds where there was too little to tell. */
export interface Estimate {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** At least so many resamples, and so many of them beyond either bound: of fewer the bounds are a matter of chance. */
const RESAMPLES = 1000;
const BEYOND = 10;

/** Of fewer, no interval is worth its name: four items have 35 different resamples. */
export const FEWEST = 5;

/**
 * A statistic of independent items (prompts, as a rule: tokens of one text are not independent) and its percentile
 * interval under resampling with replacement (Efron 1979), expanded for few items (Hesterberg 2015).
 * @returns null where the statistic of all items is no number
 */
export function bootstrap<Item>(
  items: readonly Item[],
  statistic: (sample: readonly Item[]) => number,
  rng: Rng,
): Estimate | null {
  const value = statistic(items);
  if (!Number.isFinite(value)) return null;
  if (items.length < FEWEST) return { value, low: null, high: null };
  const tail = tailOf(items.length);
  const values = Array.from({ length: Math.max(RESAMPLES, Math.ceil(BEYOND / tail)) }, () =>
    statistic(items.map(() => items[Math.floor(rng() * items.length)]!)),
  );
  if (!values.every(Number.isFinite)) return { value, low: null, high: null };
  return { value, low: quantile(values, tail), high: quantile(values, 1 - tail) };
}

/**
 * What to cut off at either end: less than 2.5 %, since resamples of few items vary less than fresh items would, by
 * sqrt((n - 1) / n), and their spread is itself uncertain, as Student's t is wider than the normal distribution.
 */
function tailOf(n: number): number {
  return cumulativeStdNormalProbability(-Math.sqrt(n / (n - 1)) * studentT(n - 1));
}

/** Below which 97.5 % of Student's distribution lie. Abramowitz and Stegun 26.7.5, within 0.3 % from 4 degrees on. */
function studentT(freedom: number): number {
  const z = 1.959964; // the normal distribution's
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}
