import type { Step, StepMs } from '../decoding/loop.js';
import { likeliestLeaf, pathTo } from '../math/draft-tree.js';
import type { DraftSource, NodeIndex } from '../types.js';

/** Sums over the steps of one generation. */
export interface Counters {
  readonly steps: number;
  readonly targetPasses: number;
  readonly draftPasses: number;
  readonly drafted: number;
  readonly accepted: number;
  readonly emitted: number;
  /** For each position, the number of steps whose draft reached it. */
  readonly draftedByPosition: readonly number[];
  /** For each of these positions, the number of steps that kept its token. */
  readonly acceptedByPosition: readonly number[];
  /** Of each source, where there are several. Of a draft that branches, the likeliest path counts as drafted. */
  readonly bySource: Readonly<Partial<Record<DraftSource, SourceCount>>>;
  /** The sum over the emitted tokens; NaN where the log-probabilities were not read. */
  readonly rawLogProbSum: number;
  /** The parts of the decoding loop's time and, as `decode`, their sum. The parts are NaN where only the sum is known. */
  readonly ms: StepMs & { readonly decode: number };
}

/** The guesses of one source. */
export interface SourceCount {
  /** Steps in which it guessed. */
  readonly steps: number;
  readonly drafted: number;
  readonly accepted: number;
}

/** The sum of no steps. */
export const NO_STEPS: Counters = {
  steps: 0,
  targetPasses: 0,
  draftPasses: 0,
  drafted: 0,
  accepted: 0,
  emitted: 0,
  draftedByPosition: [],
  acceptedByPosition: [],
  bySource: {},
  rawLogProbSum: 0,
  ms: { draft: 0, verify: 0, wait: 0, own: 0, decode: 0 },
};

/** Returns the sum with one more step. */
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
    bySource: addBySource(sum.bySource, countsOf(step)),
    rawLogProbSum: sum.rawLogProbSum + (step.rawLogProbs?.reduce((a, b) => a + b, 0) ?? Number.NaN),
    ms: { draft, verify, wait, own, decode: draft + verify + wait + own },
  };
}

/** Returns the counts of at least `positions` positions, with 1 added to each of the first `reached`. */
function countUpTo(counts: readonly number[], reached: number, positions: number): number[] {
  const length = Math.max(counts.length, positions);
  return Array.from({ length }, (_, i) => (counts[i] ?? 0) + (i < reached ? 1 : 0));
}

/** Returns the sum over two generations; NaN where a figure of one of them is unknown. */
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
    bySource: addBySource(a.bySource, b.bySource),
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

/** Returns the guesses of a step by their sources; none where there is one source alone. */
function countsOf({ draft, drafted, path }: Step): Counters['bySource'] {
  if (draft[0]?.from === undefined) return {};
  const longest = pathTo(draft, likeliestLeaf(draft)).slice(0, drafted);
  const names = new Set(longest.flatMap((node) => draft[node]!.from ?? []));
  const of = (nodes: readonly NodeIndex[], name: DraftSource) =>
    nodes.filter((node) => draft[node]!.from === name).length;
  return Object.fromEntries(
    [...names].map((name) => [name, { steps: 1, drafted: of(longest, name), accepted: of(path, name) }]),
  );
}

function addBySource(a: Counters['bySource'], b: Counters['bySource']): Counters['bySource'] {
  const added = Object.entries(b) as [DraftSource, SourceCount][];
  if (added.length === 0) return a; // as in each step where there is one source alone
  const none = { steps: 0, drafted: 0, accepted: 0 };
  const sums = added.map(([name, { steps, drafted, accepted }]) => {
    const sum = a[name] ?? none;
    return [
      name,
      { steps: sum.steps + steps, drafted: sum.drafted + drafted, accepted: sum.accepted + accepted },
    ];
  });
  return { ...a, ...Object.fromEntries(sums) };
}

/** Ratios in the field's words; null where the divisor is 0 or the figure was not measured. */
export interface Ratios {
  /** Emitted tokens / target passes. */
  readonly blockEfficiency: number | null;
  /** Accepted / drafted. */
  readonly acceptanceRate: number | null;
  /** For each position, accepted / drafted over the steps whose draft reached it. */
  readonly acceptanceByPosition: readonly (number | null)[];
  /** exp(-mean raw log-probability of the emitted tokens) */
  readonly perplexity: number | null;
  /** Emitted tokens / seconds of the decoding loop. */
  readonly tokensPerSecond: number | null;
  /** The parts of the decoding loop's milliseconds ÷ emitted tokens; null where the parts are not known. */
  readonly msPerToken: { readonly draft: number; readonly verify: number; readonly own: number } | null;
}

/** Returns the ratios of the counters of one generation, or of the sum of several. */
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

/** Returns exp(-mean raw log-probability); null where it was not measured. */
export function perplexity(rawLogProbSum: number, tokens: number): number | null {
  return finiteOrNull(Math.exp(-rawLogProbSum / tokens));
}

/** Returns the speed of `tokens` tokens in `ms` milliseconds; null where it is not known. */
export function tokensPerSecond(tokens: number, ms: number): number | null {
  return quotient(1000 * tokens, ms);
}

/**
 * Returns the ratio of two times per token: the other writer's ÷ this writer's. 2 means twice as fast. Null where it is not
 * known.
 */
export function timesAsFast(tokens: number, ms: number, otherTokens: number, otherMs: number): number | null {
  return quotient(otherMs * tokens, ms * otherTokens);
}

/** @returns a / b; null where it is no finite number */
export function quotient(a: number, b: number): number | null {
  return finiteOrNull(a / b);
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
