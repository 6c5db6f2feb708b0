import type { Generation, PassCost } from './report.js';

/**
 * What the passes of a generation would take with nothing around them: the sum of T(k) over target and draft passes.
 * The speed-up that is possible, E · T(1) ÷ (draft passes + T(rows)), is this with nothing added for our own time.
 * @param costs T(k), as far as measured
 * @returns ms; NaN where sizes of passes or their costs are not known
 */
export function bareMs({ engine, passes }: Generation, costs: readonly PassCost[]): number {
  if (!passes) return Number.NaN;
  return (['target', 'draft'] as const)
    .flatMap((model) =>
      passes[model].map(([size, count]) => {
        const cost = costs.find((one) => one.engine === engine && one.model === model && one.tokens === size);
        return count * (cost?.ms ?? Number.NaN);
      }),
    )
    .reduce((a, b) => a + b, 0);
}
