/** Below this many draws expected, cells are put together. */
const MIN_EXPECTED = 5;

/** Draws from the right distribution exceed it once in 30,000 times. */
export const FITS = 4;

/** Draws from a wrong distribution must exceed it, or the test has no power. */
export const DOES_NOT_FIT = 8;

/**
 * How far counted draws are from the probabilities they should have, as Pearson's chi-square in standard
 * deviations of a normal distribution (Wilson and Hilferty 1931). Infinity where an impossible one was drawn.
 */
export function misfit(draws: readonly string[], expected: ReadonlyMap<string, number>): number {
  const counts = new Map<string, number>();
  for (const draw of draws) counts.set(draw, (counts.get(draw) ?? 0) + 1);
  if ([...counts.keys()].some((draw) => !expected.get(draw))) return Number.POSITIVE_INFINITY;

  const cells: { count: number; expected: number }[] = [{ count: 0, expected: 0 }];
  for (const [draw, probability] of [...expected].sort(([, a], [, b]) => a - b)) {
    if (cells.at(-1)!.expected >= MIN_EXPECTED) cells.push({ count: 0, expected: 0 });
    cells.at(-1)!.count += counts.get(draw) ?? 0;
    cells.at(-1)!.expected += probability * draws.length;
  }
  const freedom = cells.length - 1;
  if (freedom < 1) throw new Error('Too few draws to tell anything');
  const statistic = cells.reduce((sum, { count, expected: e }) => sum + (count - e) ** 2 / e, 0);
  const spread = 2 / (9 * freedom);
  return (Math.cbrt(statistic / freedom) - (1 - spread)) / Math.sqrt(spread);
}
