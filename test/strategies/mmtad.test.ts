import { describe, expect, it } from 'vitest';
import { logProbOf } from '../../src/math/distribution.js';
import { likeliestLeaf, pathTo } from '../../src/math/draft-tree.js';
import { createRng } from '../../src/math/rng.js';
import { likelihoodTruncation } from '../../src/math/sampling-settings.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import type { Prefix } from '../../src/types.js';
import { FITS, misfit } from '../support/chi-square.js';
import {
  DRAFT,
  distributionAfter,
  type FakeModel,
  TARGET,
  textsAfter,
  UNCUT,
} from '../support/fake-model.js';
import { neverEnds, PROMPT, type RunOptions, run } from '../support/fake-run.js';
import { acceptedByMtad } from '../support/likeliest-beam.js';
import { obeysTheContract } from './contract.js';

const OPTIONS = {
  strategy: 'mmtad',
  draftFrom: 'model',
  draftLength: 4,
  beamWidth: 3,
  threshold: 0.5,
} as const;
const GREEDY = { temperature: 0, topK: 4, topP: 0.95 };
const SAMPLINGS = [UNCUT, { temperature: 0.7, topK: 4, topP: 0.9 }, GREEDY];
const SEEDS = Array.from({ length: 30 }, (_, i) => i + 1);
const THRESHOLDS = [0.01, 0.5, 1];

/** The joint log-likelihood of tokens after a text, computed from the model without any cache. */
function logLikelihood(model: FakeModel, text: Prefix, tokens: Prefix, sampling: RunOptions['sampling']) {
  const truncation = likelihoodTruncation(sampling!);
  return tokens.reduce((sum, token, i) => {
    const distribution = distributionAfter(model, [...text, ...tokens.slice(0, i)], truncation);
    return sum + logProbOf(distribution, token);
  }, 0);
}

const stepsOf = async (options: StrategyOptions, settings: RunOptions) => {
  const runs = await Promise.all(
    SEEDS.map((seed) => run(options, { endsWith: neverEnds, rng: createRng(seed), ...settings })),
  );
  return runs.flatMap(({ whole, prefix }) =>
    whole.map((step) => ({ ...step, text: prefix.slice(0, step.position) })),
  );
};

describe('mmtad', () => {
  describe.each([
    OPTIONS,
    { ...OPTIONS, beamWidth: 1, threshold: 1 },
    { ...OPTIONS, draftLength: 2, beamWidth: 5, threshold: 0.1 },
  ])('with gamma $draftLength, beam width $beamWidth and threshold $threshold', (options) =>
    obeysTheContract(options),
  );

  describe.each(SAMPLINGS)('at temperature $temperature', (sampling) => {
    it.each(THRESHOLDS)('accepts blocks within the bound only, for threshold %d', async (threshold) => {
      for (const { text, draft, accepted, emitted } of await stepsOf(
        { ...OPTIONS, threshold },
        { sampling },
      )) {
        const beam = pathTo(draft, likeliestLeaf(draft)).map((node) => draft[node]!.token);
        const logP = logLikelihood(TARGET, text, emitted.slice(0, accepted), sampling);
        const logQ = logLikelihood(DRAFT, text, beam.slice(0, accepted), sampling);
        expect(logP).toBeGreaterThanOrEqual(logQ + Math.log(threshold) - 1e-9);
      }
    });

    it.each(THRESHOLDS)(
      'accepts no shorter block than mtad of the same draft, for threshold %d',
      async (threshold) => {
        for (const { draft, p, accepted } of await stepsOf({ ...OPTIONS, threshold }, { sampling }))
          expect(accepted).toBeGreaterThanOrEqual(acceptedByMtad(draft, p, threshold));
      },
    );
  });

  it('asks the target once a step, however many beams there are', async () => {
    for (const { targetPasses } of await stepsOf({ ...OPTIONS, beamWidth: 6 }, {}))
      expect(targetPasses).toBe(1);
  });

  it('needs fewer steps than mtad', async () => {
    const alone = await stepsOf({ ...OPTIONS, strategy: 'mtad', clip: false, draftFrom: 'model' }, {});
    expect((await stepsOf(OPTIONS, {})).length).toBeLessThan(0.9 * alone.length);
  });

  it('with one beam writes what mtad writes', async () => {
    for (const seed of SEEDS) {
      const mmtad = { ...OPTIONS, beamWidth: 1 };
      const mtad = { ...mmtad, strategy: 'mtad', clip: false, draftFrom: 'model' } as const;
      const texts = [mmtad, mtad].map((options) => run(options, { rng: createRng(seed) }));
      expect((await texts[0]!).emitted).toEqual((await texts[1]!).emitted);
    }
  });

  it('draws the next token from the whole target after the path it accepted', async () => {
    const hot = { ...UNCUT, temperature: 3 }; // so that it does not always accept the same
    const settings = { sampling: hot, rng: createRng(1), maxTokens: 2, endsWith: neverEnds };
    const nextAfter = new Map<string, string[]>(); // by accepted block
    for (let i = 0; i < 6000; i++) {
      const { steps } = await run({ ...OPTIONS, draftLength: 1, beamWidth: 2, threshold: 1 }, settings);
      const { emitted, accepted } = steps[0]!;
      const block = emitted.slice(0, accepted).join();
      nextAfter.set(block, [...(nextAfter.get(block) ?? []), `${emitted[accepted]}`]);
    }
    const frequent = [...nextAfter].filter(([, next]) => next.length > 200);
    expect(frequent.length).toBeGreaterThan(1);
    for (const [block, next] of frequent) {
      const text = [...PROMPT, ...block.split(',').filter(Boolean).map(Number)];
      expect(misfit(next, textsAfter(TARGET, text, 1, hot))).toBeLessThan(FITS);
    }
  });

  it('ends each block at temperature 0 with the most likely token of the target', async () => {
    for (const { text, emitted, next, accepted } of await stepsOf(OPTIONS, { sampling: GREEDY })) {
      const before = [...text, ...emitted.slice(0, accepted)];
      expect(next).toBe(distributionAfter(TARGET, before, UNCUT).tokens[0]);
    }
  });
});
