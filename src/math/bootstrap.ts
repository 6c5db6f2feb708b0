import { cumulativeStdNormalProbability, quantile } from 'simple-statistics';
import type { Rng } from '../types.js';
import { studentT } from './student-t.js';

/** The 97.5 % quantile of the normal distribution. */
const Z = 1.959964;

/** A figure with its 95 % interval. The bounds are null where there are too few items. */
export interface Estimate {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** The least number of resamples, and of resamples beyond either bound. With fewer, chance would decide the bounds. */
const RESAMPLES = 1000;
const BEYOND = 10;

/** The fewest items that get an interval. Four items have only 35 different resamples. */
export const FEWEST = 5;

/**
 * Returns a statistic of independent items, and its percentile interval under resampling with replacement (Efron 1979),
 * expanded for few items (Hesterberg 2015). The items are usually prompts, since the tokens of a text are not independent.
 * @returns null where the statistic of all items is no finite number
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
 * Returns the share of resamples to cut off at either end. It is less than 2.5 % for two reasons. Resamples of few items
 * vary less than new items, by sqrt((n - 1) / n). Their spread is itself uncertain, as Student's t is wider than the normal
 * distribution.
 */
function tailOf(n: number): number {
  return cumulativeStdNormalProbability(-Math.sqrt(n / (n - 1)) * studentT(Z, n - 1));
}
