/** How well counts agree with the probabilities they should come from. */

export interface ChiSquareTest {
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  readonly p: number; // probability of a statistic as large as this one, or larger
}

/** Below this many expected, the statistic is not distributed as chi-square: rare cells are put together. */
const MIN_EXPECTED = 5;

/**
 * Pearson's test of counted outcomes against their probabilities. The rarest outcomes share one cell, together with
 * whatever has no listed probability.
 * @param probabilities of the outcomes, summing to at most 1
 */
export function chiSquareTest(
  counts: ReadonlyMap<string, number>,
  probabilities: ReadonlyMap<string, number>,
): ChiSquareTest {
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  const cells: { observed: number; expected: number }[] = [];
  const rest = { observed: total, expected: total };
  for (const [outcome, probability] of [...probabilities].sort(([, a], [, b]) => b - a)) {
    const expected = total * probability;
    if (expected < MIN_EXPECTED || rest.expected - expected < MIN_EXPECTED) break;
    const observed = counts.get(outcome) ?? 0;
    cells.push({ observed, expected });
    rest.observed -= observed;
    rest.expected -= expected;
  }
  cells.push(rest);
  if (cells.length < 2) throw new RangeError(`${total} outcomes are too few to tell anything`);
  const statistic = cells.reduce(
    (sum, { observed, expected }) => sum + (observed - expected) ** 2 / expected,
    0,
  );
  const degreesOfFreedom = cells.length - 1;
  return { statistic, degreesOfFreedom, p: upperTail(statistic, degreesOfFreedom) };
}

/** Draws from the right distribution exceed it once in 30,000 times. */
export const FITS = 4.5;

/** Draws from a wrong distribution must exceed it, or the test has no power. */
export const DOES_NOT_FIT = 15;

/**
 * How surprising draws are under the probabilities they should have, as -log10 of the p-value. Infinity where an
 * impossible one was drawn.
 */
export function misfit(draws: readonly string[], expected: ReadonlyMap<string, number>): number {
  const counts = new Map<string, number>();
  for (const draw of draws) counts.set(draw, (counts.get(draw) ?? 0) + 1);
  if ([...counts.keys()].some((draw) => !expected.get(draw))) return Number.POSITIVE_INFINITY;
  return -Math.log10(chiSquareTest(counts, expected).p);
}

/** P(X >= statistic) for X distributed as chi-square: the regularised upper incomplete gamma function. */
export function upperTail(statistic: number, degreesOfFreedom: number): number {
  const [a, x] = [degreesOfFreedom / 2, statistic / 2];
  if (x <= 0) return 1;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  return x < a + 1 ? 1 - scale * lowerSeries(a, x) : scale * upperFraction(a, x);
}

/** Abramowitz and Stegun 6.5.29: converges fast for x < a + 1. */
function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; term > sum * Number.EPSILON; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

/** The continued fraction of Abramowitz and Stegun 6.5.31, in its even part, by Lentz's method: for x > a + 1. */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = Number.POSITIVE_INFINITY;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1, change = 0; Math.abs(change - 1) > Number.EPSILON && n < 10_000; n++) {
    const numerator = n * (a - n);
    b += 2;
    d = 1 / (b + numerator * d);
    c = b + numerator / c;
    change = c * d;
    fraction *= change;
  }
  return fraction;
}

/** ln Γ(a) for a > 0: Stirling's series, after stepping up to where it is exact to 1e-13. */
function logGamma(a: number): number {
  let steps = 0;
  let z = a;
  for (; z < 10; z++) steps += Math.log(z);
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1260 * z ** 5) - 1 / (1680 * z ** 7);
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - steps;
}
