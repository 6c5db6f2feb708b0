import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/decoding/loop.js';
import { CostCorrection } from '../../src/tuning/cost-correction.js';
import { fakeStep } from '../support/fake-step.js';

const COSTS = {
  target: [
    { rows: 1, ms: 4, insideMs: 3 },
    { rows: 5, ms: 6, insideMs: 5 },
  ],
  draft: [{ rows: 1, ms: 1, insideMs: 0.8 }],
};

function correctedAfter(...kinds: [count: number, step: Step][]) {
  const correction = new CostCorrection(COSTS);
  for (const [count, one] of kinds) for (let i = 0; i < count; i++) correction.add(one, 1, 1);
  return correction.corrected;
}

const PLAIN = fakeStep(0, { draft: 0, verify: 3, own: 1 });
const AS_TOLD = fakeStep(4, { draft: 3.2, verify: 5, own: 1.8 });

describe('CostCorrection', () => {
  it('leaves costs alone that are right, or are all off alike', () => {
    expect(correctedAfter([20, PLAIN], [20, AS_TOLD])).toBeUndefined();
    const slow = (of: Step) => ({
      ...of,
      ms: { draft: 3 * of.ms.draft, verify: 3 * of.ms.verify, own: 3 * of.ms.own, wait: 0 },
    });
    expect(
      correctedAfter([20, slow(PLAIN)], [20, slow(fakeStep(4, { draft: 3.2, verify: 5.2, own: 1.6 }))]),
    ).toBeUndefined();
  });

  it('says nothing of a few passes', () => {
    expect(correctedAfter()).toBeUndefined();
    expect(correctedAfter([20, PLAIN], [3, fakeStep(4, { draft: 9, verify: 5, own: 1 })])).toBeUndefined();
  });

  it('corrects the draft model by what drafting takes, its own time included', () => {
    const { draft, target } = correctedAfter(
      [20, PLAIN],
      [20, fakeStep(4, { draft: 6, verify: 5, own: 3 })],
    )!;
    expect(draft![0]).toEqual({ rows: 1, ms: 2, insideMs: 1.6 });
    expect(target).toEqual(COSTS.target);
  });

  it('corrects wide passes of the target, and not the plain one', () => {
    const { target } = correctedAfter([20, PLAIN], [20, fakeStep(4, { draft: 3.2, verify: 11, own: 1.8 })])!;
    expect(target[0]).toEqual(COSTS.target[0]);
    expect(target[1]!.ms).toBeCloseTo(12, 9);
  });

  it('corrects guesses without a draft model, whose passes are the target’s alone', () => {
    const alone = { target: COSTS.target.map(({ rows, ms }) => ({ rows, ms })), draft: undefined };
    const correction = new CostCorrection(alone);
    for (let i = 0; i < 20; i++) {
      correction.add(fakeStep(0, { draft: 0, verify: 3, own: 1 }), 1, 1);
      correction.add({ ...fakeStep(4, { draft: 0, verify: 11, own: 1 }), draftPasses: 0 }, 1, 1);
    }
    expect(correction.corrected).toEqual({
      target: [
        { rows: 1, ms: 4 },
        { rows: 5, ms: 12 },
      ],
      draft: undefined,
    });
  });

  it('takes the wide passes for a measure where there are no plain ones', () => {
    const { draft, target } = correctedAfter([20, fakeStep(4, { draft: 6, verify: 5, own: 3 })])!;
    expect(draft![0]!.ms).toBeCloseTo(2, 9);
    expect(target).toEqual(COSTS.target);
  });

  it('learns nothing from steps of other numbers of passes', () => {
    const one = { ...fakeStep(4, { draft: 90, verify: 5, own: 1 }), targetPasses: 2 };
    expect(correctedAfter([20, PLAIN], [20, one])).toBeUndefined();
  });
});
