import type { Counters } from './counters.js';

/** Ratios of algorithms in the field's words; null where the divisor is 0 or the figure was not measured. */
export interface Ratios {
  readonly blockEfficiency: number | null; // emitted tokens / target passes
  readonly acceptanceRate: number | null; // accepted / drafted
  readonly perplexity: number | null; // exp(-mean raw log-probability of the emitted tokens)
  readonly tokensPerSecond: number | null; // emitted tokens / seconds of the decoding loop
}

/** The ratios of what one generation, or several together, counted. */
export function ratios(sum: Counters): Ratios {
  const decodeMs = sum.ms.draft + sum.ms.verify + sum.ms.own;
  return {
    blockEfficiency: finiteOrNull(sum.emitted / sum.targetPasses),
    acceptanceRate: finiteOrNull(sum.accepted / sum.drafted),
    perplexity: finiteOrNull(Math.exp(-sum.rawLogProbSum / sum.emitted)),
    tokensPerSecond: finiteOrNull((1000 * sum.emitted) / decodeMs),
  };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
