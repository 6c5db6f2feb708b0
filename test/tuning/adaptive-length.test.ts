import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import { AdaptiveLength, MOST_GUESSES } from '../../src/tuning/adaptive-length.js';
import { type CostCurve, type CostCurves, passMs } from '../../src/tuning/cost-curves.js';
import { priorSurvival } from '../../src/tuning/survival.js';
import { DRAFT, type FakeModel, TARGET, UNCUT } from '../support/fake-model.js';
import { neverEnds, run } from '../support/fake-run.js';

/** A straight line. */
const line = (first: number, eachMore: number): CostCurve => [
  { rows: 1, ms: first },
  { rows: 17, ms: first + 16 * eachMore },
];
const FLAT: CostCurves = { target: line(10, 0.1), draft: line(0.5, 0.02) };
const STEEP: CostCurves = { target: line(10, 6), draft: line(2, 0.2) };
const BEAMS = 4;
const TAU = 0.5;
const MTAD = { strategy: 'mtad', beamWidth: BEAMS, threshold: TAU, clip: false, draftFrom: 'model' } as const;

/** The negated target: what it finds likely never passes. */
const NEVER_RIGHT: FakeModel = (last, before) => TARGET(last, before).map((logit) => -8 * logit);

interface Outcome {
  /** Tokens per step, drafted in a row. */
  readonly drafted: number;
  /** Times as fast as one token per pass, by the curves. */
  readonly speedUp: number;
}

/** Texts one after the other, as a session writes them. */
async function outcome(
  costs: CostCurves,
  {
    draftLength = 'auto',
    draftModel = DRAFT,
  }: { draftLength?: number | 'auto'; draftModel?: FakeModel } = {},
): Promise<Outcome> {
  const adaptive = new AdaptiveLength(costs, BEAMS, priorSurvival(TAU));
  const rng = createRng(1);
  let [ms, tokens, drafted, steps] = [0, 0, 0, 0];
  for (let text = 0; text < 6; text++) {
    adaptive.restart();
    const options: StrategyOptions = {
      ...MTAD,
      draftLength: draftLength === 'auto' ? MOST_GUESSES : draftLength,
    };
    await run(options, {
      rng,
      draftModel,
      sampling: UNCUT,
      length: draftLength === 'auto' ? adaptive : undefined,
      maxTokens: 128,
      capacity: 200,
      endsWith: neverEnds,
      onStep: (step) => {
        adaptive.learn(step);
        const [first, others] = [Math.min(1, step.draftPasses), Math.max(0, step.draftPasses - 1)];
        ms += passMs(costs.target, step.draft.length + 1);
        ms += first * passMs(costs.draft!, 2) + others * passMs(costs.draft!, BEAMS);
        tokens += step.emitted.length;
        drafted += step.drafted;
        steps += 1;
      },
    });
  }
  return { drafted: drafted / steps, speedUp: (tokens * passMs(costs.target, 1)) / ms };
}

describe('AdaptiveLength', () => {
  it.each([
    ['flat', FLAT],
    ['steep', STEEP],
  ])('is nearly as fast as the best fixed length where the cost curve is %s', async (_, costs) => {
    const fixed = await Promise.all(
      [1, 2, 3, 4, 6, 8, 12].map((draftLength) => outcome(costs, { draftLength })),
    );
    const best = Math.max(1, ...fixed.map(({ speedUp }) => speedUp));
    expect((await outcome(costs)).speedUp).toBeGreaterThan(0.95 * best);
  });

  it('drafts more where rows cost little', async () => {
    expect((await outcome(FLAT)).drafted).toBeGreaterThan(1.5 * (await outcome(STEEP)).drafted);
  });

  it.each([
    ['flat', FLAT],
    ['steep', STEEP],
  ])(
    'loses at most 3 % to a draft model that is never right, where the cost curve is %s',
    async (_, costs) => {
      const { speedUp } = await outcome(costs, { draftModel: NEVER_RIGHT });
      expect(speedUp).toBeGreaterThan(0.97);
      expect((await outcome(costs, { draftModel: NEVER_RIGHT, draftLength: 4 })).speedUp).toBeLessThan(0.96);
    },
  );

  it('does not draft with a model that is as slow as the target', async () => {
    const { drafted, speedUp } = await outcome({ target: line(10, 0.5), draft: line(10, 0.5) });
    expect(drafted).toBeLessThan(0.2);
    expect(speedUp).toBeGreaterThan(0.97);
  });

  it('writes the same text each time: it asks no clock', async () => {
    const write = async () => {
      const length = new AdaptiveLength(STEEP, BEAMS, priorSurvival(TAU));
      const onStep = (step: Parameters<AdaptiveLength['learn']>[0]) => length.learn(step);
      const settings = {
        rng: createRng(7),
        length,
        onStep,
        maxTokens: 60,
        endsWith: neverEnds,
        capacity: 99,
      };
      return (await run({ ...MTAD, draftLength: MOST_GUESSES }, settings)).emitted;
    };
    expect(await write()).toEqual(await write());
  });

  it('guesses no more than there is room for', () => {
    const length = new AdaptiveLength(FLAT, BEAMS, priorSurvival(TAU));
    for (const room of [0, 1, 3]) expect(length.begin(room, false)).toBeLessThanOrEqual(room);
  });
});
