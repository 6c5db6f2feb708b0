import type { Step } from '../decoding/decode.js';

/** Sums over the steps of one generation. */
export interface Counters {
  readonly steps: number;
  readonly targetPasses: number;
  readonly draftPasses: number;
  readonly drafted: number;
  readonly accepted: number;
  readonly emitted: number;
  readonly draftedByPosition: readonly number[]; // [gamma]: steps whose draft reached this position
  readonly acceptedByPosition: readonly number[]; // [gamma]: steps that kept this position
  readonly rawLogProbSum: number; // over emitted tokens, NaN where they were not read
  readonly ms: { readonly draft: number; readonly verify: number; readonly own: number };
}

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

export function addStep(sum: Counters, step: Step): Counters {
  return {
    steps: sum.steps + 1,
    targetPasses: sum.targetPasses + step.targetPasses,
    draftPasses: sum.draftPasses + step.draftPasses,
    drafted: sum.drafted + step.draft.length,
    accepted: sum.accepted + step.accepted,
    emitted: sum.emitted + step.emitted.length,
    draftedByPosition: countUpTo(sum.draftedByPosition, step.draft.length),
    acceptedByPosition: countUpTo(sum.acceptedByPosition, step.accepted),
    rawLogProbSum: sum.rawLogProbSum + (step.rawLogProbs?.reduce((a, b) => a + b, 0) ?? Number.NaN),
    ms: {
      draft: sum.ms.draft + step.ms.draft,
      verify: sum.ms.verify + step.ms.verify,
      own: sum.ms.own + step.ms.own,
    },
  };
}

function countUpTo(counts: readonly number[], length: number): number[] {
  return Array.from(
    { length: Math.max(counts.length, length) },
    (_, i) => (counts[i] ?? 0) + (i < length ? 1 : 0),
  );
}
