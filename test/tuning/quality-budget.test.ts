import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { QualityBudget } from '../../src/tuning/quality-budget.js';
import { UNCUT } from '../support/fake-model.js';
import { neverEnds, run } from '../support/fake-run.js';

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
});
