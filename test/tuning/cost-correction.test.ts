import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/decoding/loop.js';
import { CostCorrection } from '../../src/tuning/cost-correction.js';
import { fakeDistribution } from '../support/fake-distribution.js';

const COSTS = {
  target: [
    { rows: 1, ms: 4, insideMs: 3 },
    { rows: 5, ms: 6, insideMs: 5 },
  ],
  draft: [{ rows: 1, ms: 1, insideMs: 0.8 }],
};

/** @param guesses 0: a plain step, else a chain */
function step(guesses: number, ms: Pick<Step['ms'], 'draft' | 'verify' | 'own'>): Step {
  const q = fakeDistribution(1);
  return {
    position: 1,
    draft: Array.from({ length: guesses }, (_, i) => ({ token: 0, parent: i - 1, q })),
    p: [],
    drafted: guesses,
    accepted: 0,
    path: [],
    next: 0,
    emitted: [0],
    rawLogProbs: undefined,
    targetPasses: 1,
    draftPasses: guesses,
    ms: { ...ms, wait: 0 },
  };
}

function correctedAfter(...kinds: [count: number, step: Step][]) {
  const correction = new CostCorrection(COSTS);
  for (const [count, one] of kinds) for (let i = 0; i < count; i++) correction.add(one, 1, 1);
  return correction.corrected;
}

const PLAIN = step(0, { draft: 0, verify: 3, own: 1 });
const AS_TOLD = step(4, { draft: 3.2, verify: 5, own: 1.8 });

describe('CostCorrection', () => {
  it('leaves costs alone that are right, or are all off alike', () => {
    expect(correctedAfter([20, PLAIN], [20, AS_TOLD])).toBeUndefined();
    const slow = (of: Step) => ({
      ...of,
      ms: { draft: 3 * of.ms.draft, verify: 3 * of.ms.verify, own: 3 * of.ms.own, wait: 0 },
    });
    expect(
      correctedAfter([20, slow(PLAIN)], [20, slow(step(4, { draft: 3.2, verify: 5.2, own: 1.6 }))]),
    ).toBeUndefined();
  });

  it('says nothing of a few passes', () => {
    expect(correctedAfter([20, PLAIN], [3, step(4, { draft: 9, verify: 5, own: 1 })])).toBeUndefined();
  });

  it('corrects the draft model by what drafting takes, its own time included', () => {
    const { draft, target } = correctedAfter([20, PLAIN], [20, step(4, { draft: 6, verify: 5, own: 3 })])!;
    expect(draft![0]).toEqual({ rows: 1, ms: 2, insideMs: 1.6 });
    expect(target).toEqual(COSTS.target);
  });

  it('corrects wide passes of the target, and not the plain one', () => {
    const { target } = correctedAfter([20, PLAIN], [20, step(4, { draft: 3.2, verify: 11, own: 1.8 })])!;
    expect(target[0]).toEqual(COSTS.target[0]);
    expect(target[1]!.ms).toBeCloseTo(12, 9);
  });
});
