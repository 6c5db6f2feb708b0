import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { QualityBudget } from '../../src/tuning/quality-budget.js';
import { fakeDistribution } from '../support/fake-distribution.js';
import { UNCUT } from '../support/fake-model.js';
import { neverEnds, run } from '../support/fake-run.js';
import { fakeStep } from '../support/fake-step.js';

const MTAD = { strategy: 'mtad', draftLength: 4, beamWidth: 4, clip: false, draftFrom: 'model' } as const;
const SETTINGS = { capacity: 1600, maxTokens: 1500, endsWith: neverEnds, sampling: UNCUT };

/** A long text, and what the budget says of it. */
async function written(ratio: number | undefined, threshold = 0.5) {
  const budget = new QualityBudget(ratio ?? 1, UNCUT.temperature);
  const thresholds: number[] = [];
  const { steps, emitted } = await run(
    { ...MTAD, threshold },
    {
      ...SETTINGS,
      rng: createRng(2),
      threshold: ratio === undefined ? undefined : () => budget.threshold,
      onStep: (step) => {
        budget.learn(step);
        thresholds.push(budget.threshold);
      },
    },
  );
  return { quality: budget.quality, thresholds, steps, emitted };
}

describe('QualityBudget', () => {
  it('keeps the perplexity at the ratio that is asked for, by a threshold that is lower where that is higher', async () => {
    const [strict, loose] = [await written(0.8), await written(1)];
    expect(Math.abs(strict.quality.perplexityRatio - 0.8)).toBeLessThan(0.08); // it begins at the usual threshold
    expect(Math.abs(loose.quality.perplexityRatio - 1)).toBeLessThan(0.05);
    expect(loose.quality.threshold).toBeLessThan(strict.quality.threshold);
    expect(loose.steps.length).toBeLessThan(strict.steps.length);
  });

  it('measures against the likeliest token at temperature 0, and says where the threshold can move no further', () => {
    const p = fakeDistribution(3, 1);
    const unlikely = {
      ...fakeStep(1, { draft: 0, verify: 0, own: 0 }),
      draft: [{ token: 1, parent: -1, q: p }],
      p: [p, p],
      path: [0],
    };
    const budget = new QualityBudget(1, 0);
    expect(budget.quality).toEqual({ threshold: 0.5, perplexityRatio: 1, isAtLimit: false });
    budget.learn(unlikely);
    expect(budget.quality.perplexityRatio).toBeCloseTo(3, 9);
    expect(budget.quality.threshold).toBeGreaterThan(0.5);
    for (let step = 0; step < 40; step++) budget.learn(unlikely);
    expect(budget.quality).toMatchObject({ threshold: 1, isAtLimit: true });
    budget.restart();
    expect(budget.quality).toEqual({ threshold: 1, perplexityRatio: 1, isAtLimit: true });
  });
});
