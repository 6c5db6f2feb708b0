import type { Step } from '../decoding/loop.js';

/** Sums over the steps of one generation. */
export interface Counters {
  readonly steps: number;
  readonly targetPasses: number;
  readonly draftPasses: number;
  readonly drafted: number;
  readonly accepted: number;
  readonly emitted: number;
  readonly draftedByPosition: readonly number[]; // per position: steps whose draft reached it
  readonly acceptedByPosition: readonly number[]; // per position, as many: steps that kept it
  readonly rawLogProbSum: number; // over emitted tokens, NaN where they were not read
  readonly ms: { readonly draft: number; readonly verify: number; readonly own: number };
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
  ms: { draft: 0, verify: 0, own: 0 },
};

/** The sum with one step more. */
export function addStep(sum: Counters, step: Step): Counters {
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
    ms: {
      draft: sum.ms.draft + step.ms.draft,
      verify: sum.ms.verify + step.ms.verify,
      own: sum.ms.own + step.ms.own,
    },
  };
}

/** One more for each of the first `reached` of at least `positions` positions. */
function countUpTo(counts: readonly number[], reached: number, positions: number): number[] {
  const length = Math.max(counts.length, positions);
  return Array.from({ length }, (_, i) => (counts[i] ?? 0) + (i < reached ? 1 : 0));
}
