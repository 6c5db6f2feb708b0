import type { Step, StepMs } from '../decoding/loop.js';

/** Sums over the steps of one generation. */
export interface Counters {
  readonly steps: number;
  readonly targetPasses: number;
  readonly draftPasses: number;
  readonly drafted: number;
  readonly accepted: number;
  readonly emitted: number;
  /** Per position: steps whose draft reached it. */
  readonly draftedByPosition: readonly number[];
  /** Per position, as many: steps that kept it. */
  readonly acceptedByPosition: readonly number[];
  /** Over emitted tokens, NaN where they were not read. */
  readonly rawLogProbSum: number;
  /** `decode` is the whole loop; its parts are NaN where only the whole is known. */
  readonly ms: StepMs & { readonly decode: number };
}

/** Where a sum begins. */
export const NO_STEPS: Counters = {
  steps: 0,
  targetPasses: 0,
  draftPasses: 0,
  drafted: 0,
  accepted: 0,
  emitted: 0,
  draftedByPosition: [],
  acceptedByPosition: [],
  rawLogProbSum: 0,
  ms: { draft: 0, verify: 0, wait: 0, own: 0, decode: 0 },
};

/** The sum with one step more. */
export function addStep(sum: Counters, step: Step): Counters {
  const draft = sum.ms.draft + step.ms.draft;
  const verify = sum.ms.verify + step.ms.verify;
  const wait = sum.ms.wait + step.ms.wait;
  const own = sum.ms.own + step.ms.own;
  return {
    steps: sum.steps + 1,
    targetPasses: sum.targetPasses + step.targetPasses,
    draftPasses: sum.draftPasses + step.draftPasses,
    drafted: sum.drafted + step.drafted,
    accepted: sum.accepted + step.accepted,
    emitted: sum.emitted + step.emitted.length,
    draftedByPosition: countUpTo(sum.draftedByPosition, step.drafted, step.drafted),
    acceptedByPosition: countUpTo(sum.acceptedByPosition, step.accepted, step.drafted),
    rawLogProbSum: sum.rawLogProbSum + (step.rawLogProbs?.reduce((a, b) => a + b, 0) ?? Number.NaN),
    ms: { draft, verify, wait, own, decode: draft + verify + wait + own },
  };
}

/** One more for each of the first `reached` of at least `positions` positions. */
function countUpTo(counts: readonly number[], reached: number, positions: number): number[] {
  const length = Math.max(counts.length, positions);
  return Array.from({ length }, (_, i) => (counts[i] ?? 0) + (i < reached ? 1 : 0));
}

/** The sum over several generations; NaN where one of them does not tell. */
export function addCounters(a: Counters, b: Counters): Counters {
  return {
    steps: a.steps + b.steps,
    targetPasses: a.targetPasses + b.targetPasses,
    draftPasses: a.draftPasses + b.draftPasses,
    drafted: a.drafted + b.drafted,
    accepted: a.accepted + b.accepted,
    emitted: a.emitted + b.emitted,
    draftedByPosition: addByPosition(a.draftedByPosition, b.draftedByPosition),
    acceptedByPosition: addByPosition(a.acceptedByPosition, b.acceptedByPosition),
    rawLogProbSum: a.rawLogProbSum + b.rawLogProbSum,
    ms: {
      draft: a.ms.draft + b.ms.draft,
      verify: a.ms.verify + b.ms.verify,
      wait: a.ms.wait + b.ms.wait,
      own: a.ms.own + b.ms.own,
      decode: a.ms.decode + b.ms.decode,
    },
  };
}

function addByPosition(a: readonly number[], b: readonly number[]): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) + (b[i] ?? 0));
}

/** Ratios of algorithms in the field's words; null where the divisor is 0 or the figure was not measured. */
export interface Ratios {
  /** Emitted tokens / target passes. */
  readonly blockEfficiency: number | null;
  /** Accepted / drafted. */
  readonly acceptanceRate: number | null;
  /** The same, of the steps whose draft reached the position. */
  readonly acceptanceByPosition: readonly (number | null)[];
  /** exp(-mean raw log-probability of the emitted tokens) */
  readonly perplexity: number | null;
  /** Emitted tokens / seconds of the decoding loop. */
  readonly tokensPerSecond: number | null;
  /** Milliseconds of the decoding loop ÷ emitted tokens, by parts; null where the parts are not known. */
  readonly msPerToken: { readonly draft: number; readonly verify: number; readonly own: number } | null;
}

/** The ratios of what one generation, or several together, counted. */
export function ratios(sum: Counters): Ratios {
  const [draft, verify, own] = [sum.ms.draft, sum.ms.verify, sum.ms.own].map((ms) =>
    quotient(ms, sum.emitted),
  );
  return {
    blockEfficiency: quotient(sum.emitted, sum.targetPasses),
    acceptanceRate: quotient(sum.accepted, sum.drafted),
    acceptanceByPosition: sum.acceptedByPosition.map((n, i) => quotient(n, sum.draftedByPosition[i]!)),
    perplexity: perplexity(sum.rawLogProbSum, sum.emitted),
    tokensPerSecond: tokensPerSecond(sum.emitted, sum.ms.decode),
    msPerToken: draft == null || verify == null || own == null ? null : { draft, verify, own },
  };
}

/** exp(-mean raw log-probability); null where it was not measured. */
export function perplexity(rawLogProbSum: number, tokens: number): number | null {
  return finiteOrNull(Math.exp(-rawLogProbSum / tokens));
}

/** Of so many tokens in so many milliseconds; null where it is not known. */
export function tokensPerSecond(tokens: number, ms: number): number | null {
  return quotient(1000 * tokens, ms);
}

/**
 * How many times as fast as another a writer is, by the tokens and milliseconds of both: the ratio of their times per
 * token. Null where it is not known.
 */
export function timesAsFast(tokens: number, ms: number, otherTokens: number, otherMs: number): number | null {
  return quotient(otherMs * tokens, ms * otherTokens);
}

/** @returns null where it is no finite number */
export function quotient(a: number, b: number): number | null {
  return finiteOrNull(a / b);
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
