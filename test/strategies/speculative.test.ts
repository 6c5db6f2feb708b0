import { describe, expect, it } from 'vitest';
import type { Strategy } from '../../src/decoding/strategy.js';
import { createRng } from '../../src/sampling/rng.js';
import { sample } from '../../src/sampling/sample.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import { acceptExact } from '../../src/verification/exact.js';
import { DOES_NOT_FIT, FITS, misfit } from '../sampling/chi-square.js';
import { TARGET, textsAfter, UNCUT } from '../support/fake-model.js';
import { neverEnds, PROMPT, type RunOptions, run } from '../support/fake-run.js';
import { obeysTheContract } from './contract.js';

const GAMMA_3: StrategyOptions = { strategy: 'speculative', gamma: 3 };
const CUT = { temperature: 0.8, topK: 4, topP: 0.95 };

/** The first three tokens of many texts of five, written with one stream of coins. */
async function openings(options: StrategyOptions, settings: RunOptions): Promise<string[]> {
  const rng = createRng(1);
  const texts: string[] = [];
  for (let i = 0; i < 6000; i++)
    texts.push((await run(options, { maxTokens: 5, rng, ...settings })).emitted.slice(0, 3).join(' '));
  return texts;
}

/** Draws the correction token from the target whole, which counts what the draft was refused twice. */
const withoutResidual = (strategy: Strategy): Strategy => ({
  ...strategy,
  accept(draft, p, rng) {
    const { accepted } = acceptExact(draft, p, rng);
    return { accepted, next: sample(p[accepted.length]!, rng()) };
  },
});

describe('speculative', () => {
  describe.each([1, 3])('with gamma %d', (gamma) => obeysTheContract({ strategy: 'speculative', gamma }));

  it.each([
    { gamma: 1, sampling: UNCUT },
    { gamma: 3, sampling: UNCUT },
    { gamma: 4, sampling: CUT },
  ])(
    'writes with the probabilities of the target: gamma $gamma, top-k $sampling.topK',
    async ({ gamma, sampling }) => {
      const texts = await openings({ strategy: 'speculative', gamma }, { sampling });
      expect(misfit(texts, textsAfter(TARGET, PROMPT, 3, sampling))).toBeLessThan(FITS);
    },
  );

  it('would be found out if it drew the correction token from the whole target', async () => {
    const texts = await openings(GAMMA_3, { alter: withoutResidual });
    expect(misfit(texts, textsAfter(TARGET, PROMPT, 3, UNCUT))).toBeGreaterThan(DOES_NOT_FIT);
  });

  it('would be found out if it accepted everything', async () => {
    const texts = await openings(GAMMA_3, {
      alter: (strategy) => ({
        ...strategy,
        accept: (draft, p, rng) => ({ accepted: [...draft.keys()], next: sample(p.at(-1)!, rng()) }),
      }),
    });
    expect(misfit(texts, textsAfter(TARGET, PROMPT, 3, UNCUT))).toBeGreaterThan(DOES_NOT_FIT);
  });

  it('writes at temperature 0 exactly what the target alone writes', async () => {
    const settings = { sampling: { ...UNCUT, temperature: 0 }, maxTokens: 30, endsWith: neverEnds };
    let [stepsAlone, stepsTogether] = [0, 0];
    for (let first = 0; first < 6; first++)
      for (let second = 0; second < 6; second++) {
        const prompt = [first, second];
        const alone = await run({ strategy: 'autoregressive' }, { ...settings, prompt });
        const { emitted, steps } = await run(GAMMA_3, { ...settings, prompt });
        expect(emitted).toEqual(alone.emitted);
        stepsAlone += alone.steps.length;
        stepsTogether += steps.length;
      }
    expect(stepsTogether).toBeLessThan(0.8 * stepsAlone);
  });

  it('tosses at temperature 0 no coin that matters', async () => {
    const settings = { sampling: { ...UNCUT, temperature: 0 } };
    const texts = await Promise.all(
      [0, 0.5, 1 - 2 ** -53].map((coin) => run(GAMMA_3, { ...settings, rng: () => coin })),
    );
    expect(texts[1]!.emitted).toEqual(texts[0]!.emitted);
    expect(texts[2]!.emitted).toEqual(texts[0]!.emitted);
  });
});
