import { beforeAll, describe, expect, it } from 'vitest';
import { addStep, NO_STEPS } from '../../src/generation/counters.js';
import { createRng } from '../../src/math/rng.js';
import { judgedChain, type Recorded } from '../../src/tune/recording.js';
import { type Recording, search } from '../../src/tune/search.js';
import type { CostKey } from '../../src/tuning/cost-store.js';
import { UNCUT } from '../support/fake-model.js';
import { neverEnds, run } from '../support/fake-run.js';

const TRIAL = { strategy: 'mtad', beamWidth: 1, threshold: 0.3 } as const;
const CURVES = {
  target: [
    { rows: 1, ms: 10 },
    { rows: 17, ms: 26 },
  ],
  draft: [{ rows: 1, ms: 1 }],
};

/** A text of this setting that takes so many milliseconds. */
async function written(settings: object, decode: number): Promise<Recorded> {
  const rng = createRng(3);
  const text = { capacity: 400, maxTokens: 200, endsWith: neverEnds, sampling: UNCUT, rng };
  const { whole } = await run({ clip: false, draftFrom: 'model', ...settings } as never, text);
  const counters = whole.reduce(addStep, NO_STEPS);
  return {
    tokens: whole.flatMap(({ emitted }) => emitted),
    counters: { ...counters, ms: { draft: 0, verify: decode, own: 0, wait: 0, decode } },
    chains: whole.map((step) => judgedChain(step, 1)),
    logProbSum: -400,
  };
}

describe('the forecast of a setting', () => {
  let plain: Recorded;
  let drafted: Recorded;
  beforeAll(async () => {
    plain = await written({ strategy: 'autoregressive' }, 2000);
    drafted = await written({ ...TRIAL, draftLength: 16 }, 1000);
  });

  /** Where the texts of both take so many times as long. */
  const forecasts = (plainly: number, drafting: number) => {
    const slower = (text: Recorded, factor: number): Recorded => {
      const decode = factor * text.counters.ms.decode;
      return { ...text, counters: { ...text.counters, ms: { ...text.counters.ms, decode } } };
    };
    const costs = { key: {} as CostKey, curves: CURVES };
    const recording: Recording = { trial: TRIAL, texts: [slower(drafted, drafting)], costs };
    const found = search([recording], [slower(plain, plainly)], { quality: 1, temperature: 1 });
    return found;
  };
  const speedUps = (plainly: number, drafting: number) =>
    forecasts(plainly, drafting).map(({ speedUp }) => speedUp);

  it('goes by what the recorded texts took', () => {
    const told = speedUps(1, 1);
    const expected = (factor: number) => told.map((one) => expect.closeTo(factor * one, 6));
    expect(speedUps(1, 2)).toEqual(expected(0.5));
    expect(speedUps(2, 1)).toEqual(expected(2));
    expect(Math.min(...told)).toBeGreaterThan(0);
  });

  it('is the recording itself for the setting that was recorded', () => {
    const same = forecasts(1, 1).find(
      ({ candidate: { threshold, draftLength } }) => threshold === TRIAL.threshold && draftLength === 16,
    );
    const perToken = (text: Recorded) => text.counters.ms.decode / text.tokens.length;
    const judged = drafted.chains.reduce((tokens, { accepted }) => tokens + accepted + 1, 0); // the last one in full
    expect(same!.speedUp).toBeCloseTo((perToken(plain) * judged) / drafted.counters.ms.decode, 6);
  });
});
