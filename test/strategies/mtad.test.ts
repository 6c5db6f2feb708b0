import { describe, expect, it } from 'vitest';
import { logProbOf } from '../../src/math/distribution.js';
import { createRng } from '../../src/math/rng.js';
import { likelihoodTruncation } from '../../src/math/sampling-settings.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import type { Prefix } from '../../src/types.js';
import { FITS, misfit } from '../support/chi-square.js';
import {
  DRAFT,
  distributionAfter,
  END,
  type FakeModel,
  TARGET,
  textsAfter,
  UNCUT,
} from '../support/fake-model.js';
import { neverEnds, PROMPT, type Run, type RunOptions, run } from '../support/fake-run.js';
import { obeysTheContract } from './contract.js';

const OPTIONS: Extract<StrategyOptions, { strategy: 'mtad' }> = {
  strategy: 'mtad',
  draftLength: 4,
  beamWidth: 3,
  threshold: 0.5,
  clip: false,
  draftFrom: 'model',
};
const GREEDY = { temperature: 0, topK: 4, topP: 0.95 };
const SAMPLINGS = [UNCUT, { temperature: 0.7, topK: 4, topP: 0.9 }, GREEDY];
const SEEDS = Array.from({ length: 30 }, (_, i) => i + 1);

/** P_j - Q_j after each of these tokens, computed from the models without any cache. */
function logRatios(prefix: Prefix, tokens: Prefix, sampling: RunOptions['sampling'] = UNCUT): number[] {
  let ratio = 0;
  return tokens.map((token, i) => {
    const text = [...prefix, ...tokens.slice(0, i)];
    const truncation = likelihoodTruncation(sampling);
    const [p, q] = [TARGET, DRAFT].map((model) => distributionAfter(model, text, truncation));
    ratio += logProbOf(p!, token) - logProbOf(q!, token);
    return ratio;
  });
}

/** The ratio after the last of these tokens, never let above 1 on the way. */
const cappedRatio = (ratios: readonly number[]) =>
  ratios.reduce((capped, ratio, j) => Math.min(0, capped + ratio - (ratios[j - 1] ?? 0)), 0);

/** Every whole step of a run, with the ratios of its whole draft. */
function judged({ whole, prefix }: Run, sampling: RunOptions['sampling']) {
  return whole.map(({ position, draft, accepted }) => {
    const tokens = draft.map(({ token }) => token);
    return { accepted, ratios: logRatios(prefix.slice(0, position), tokens, sampling) };
  });
}

describe('mtad', () => {
  describe.each([
    OPTIONS,
    { ...OPTIONS, beamWidth: 1, threshold: 1 },
    { ...OPTIONS, draftLength: 2, clip: true, threshold: 0.1 },
  ])('with gamma $draftLength, beam width $beamWidth, threshold $threshold and clip $clip', (options) => {
    obeysTheContract(options);
  });

  describe('with a draft from lookup', () => obeysTheContract({ ...OPTIONS, draftFrom: 'lookup' }));

  it('judges a looked-up draft by the likelihood of the target alone: P >= ln tau', async () => {
    const lengths = new Set<number>();
    for (const seed of SEEDS) {
      const settings = { rng: createRng(seed), maxTokens: 30, endsWith: neverEnds };
      const { whole, prefix } = await run({ ...OPTIONS, threshold: 0.1, draftFrom: 'lookup' }, settings);
      for (const { position, draft, accepted } of whole) {
        let logP = 0;
        const joint = draft.map(({ token }, i) => {
          const text = [...prefix.slice(0, position), ...draft.slice(0, i).map((node) => node.token)];
          logP += logProbOf(distributionAfter(TARGET, text, UNCUT), token);
          return logP;
        });
        expect(accepted).toBe(joint.findLastIndex((sum) => sum >= Math.log(0.1)) + 1);
        lengths.add(accepted);
      }
    }
    expect(lengths.size).toBeGreaterThan(2);
  });

  describe.each(SAMPLINGS)('at temperature $temperature', (sampling) => {
    it.each([0.01, 0.5, 1])(
      'accepts the longest block within the bound for threshold %d',
      async (threshold) => {
        for (const seed of SEEDS) {
          const one = await run({ ...OPTIONS, threshold }, { sampling, rng: createRng(seed) });
          for (const { accepted, ratios } of judged(one, sampling)) {
            const longest = ratios.findLastIndex((ratio) => ratio >= Math.log(threshold) - 1e-12) + 1;
            expect(accepted).toBe(longest);
          }
        }
      },
    );
  });

  it('caps the ratio at 1 after every token with clip, and only with clip', async () => {
    const longest = (ratios: readonly number[]) =>
      ratios.findLastIndex((ratio) => ratio >= Math.log(0.5) - 1e-12) + 1;
    let differences = 0;
    for (const clip of [false, true])
      for (const seed of SEEDS) {
        const one = await run({ ...OPTIONS, clip }, { rng: createRng(seed), endsWith: neverEnds });
        for (const { accepted, ratios } of judged(one, UNCUT)) {
          const clipped = ratios.map((_, j) => cappedRatio(ratios.slice(0, j + 1)));
          expect(accepted).toBe(longest(clip ? clipped : ratios));
          if (longest(clipped) !== longest(ratios)) differences++;
        }
      }
    expect(differences).toBeGreaterThan(3);
  });

  it('refuses some drafts and accepts others, so that the bound is put to the test', async () => {
    const all = await Promise.all(SEEDS.map((seed) => run(OPTIONS, { rng: createRng(seed) })));
    const shares = all.flatMap(({ steps }) => steps.map(({ accepted, draft }) => accepted / draft.length));
    expect(shares).toContain(1);
    expect(shares).toContain(0);
  });

  it('draws the next token from the whole target, whatever was refused', async () => {
    // A tau of 1 and a draft that the target finds less likely: nothing is accepted, ever.
    const stubborn: FakeModel = () => Float64Array.of(0, 0, 9, 0, 0, 0);
    const sure = { ...OPTIONS, threshold: 1, draftLength: 1, beamWidth: 1 };
    const rng = createRng(1);
    const texts: string[] = [];
    for (let i = 0; i < 5000; i++) {
      const settings = { draftModel: stubborn, rng, maxTokens: 2, endsWith: neverEnds };
      const { emitted, steps } = await run(sure, settings);
      if (steps[0]!.draft[0]!.token === 2) texts.push(`${emitted[0]}`);
    }
    expect(misfit(texts, textsAfter(TARGET, PROMPT, 1, UNCUT))).toBeLessThan(FITS);
  });

  it('writes at temperature 0 the same text for any seed', async () => {
    const texts = await Promise.all(
      SEEDS.map((seed) => run(OPTIONS, { sampling: GREEDY, rng: createRng(seed), endsWith: neverEnds })),
    );
    expect(new Set(texts.map(({ emitted }) => emitted.join(' '))).size).toBe(1);
  });

  it('ends each block at temperature 0 with the most likely token of the target', async () => {
    const { steps, prefix } = await run(OPTIONS, { sampling: GREEDY, endsWith: neverEnds });
    for (const { position, accepted, next } of steps) {
      const before = prefix.slice(0, position + accepted);
      expect(next).toBe(distributionAfter(TARGET, before, UNCUT).tokens[0]);
    }
  });

  it('finds at temperature 0 the likeliest block, not the likeliest tokens', async () => {
    // Token 1 looks best, but nothing good follows it; after token 0, token 3 is certain.
    const trap: FakeModel = (last) => {
      if (last === 0) return Float64Array.of(0, 0, 0, 30, 0, -30);
      return last === 1 ? Float64Array.of(0, 0, 0, 0, 0, -30) : Float64Array.of(1, 1.2, -30, -30, -30, -30);
    };
    const settings: RunOptions = {
      sampling: { ...UNCUT, temperature: 0 },
      prompt: [4, 4],
      targetModel: trap,
      draftModel: trap,
      maxTokens: 3,
    };
    const { emitted } = await run({ ...OPTIONS, draftLength: 2, beamWidth: 2 }, settings);
    expect(emitted.slice(0, 2)).toEqual([0, 3]);
    const alone = await run({ strategy: 'autoregressive' }, settings);
    expect(alone.emitted[0]).toBe(1);
  });

  it('writes likelier texts than the target alone', async () => {
    const meanLogP = async (options: Parameters<typeof run>[0]) => {
      let sum = 0;
      for (let seed = 1; seed <= 200; seed++) {
        const { steps } = await run(options, {
          rng: createRng(seed),
          endsWith: neverEnds,
          rawLogProbs: true,
        });
        for (const { rawLogProbs } of steps) sum += rawLogProbs!.reduce((a, b) => a + b, 0);
      }
      return sum / (200 * 12);
    };
    const alone = await meanLogP({ strategy: 'autoregressive' });
    expect(await meanLogP({ ...OPTIONS, threshold: 0.9 })).toBeGreaterThan(alone + 0.1);
  });

  it('commits a drafted end token like any other', async () => {
    const ends: FakeModel = () => Float64Array.of(0, 0, 0, 0, 0, 30);
    const settings = { targetModel: ends, draftModel: ends };
    const { emitted, finish, steps } = await run(OPTIONS, settings);
    expect([emitted, finish]).toEqual([[END], 'eos']);
    expect(steps[0]).toMatchObject({ accepted: 1, emitted: [END] });
  });
});
