import { expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import type { SamplingSettings } from '../../src/math/sampling-settings.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import { FITS, misfit } from '../support/chi-square.js';
import { TARGET, textsAfter, UNCUT } from '../support/fake-model.js';
import { neverEnds, PROMPT, type RunOptions, run } from '../support/fake-run.js';
import { tries } from '../support/tries.js';

const CUT = { temperature: 0.8, topK: 4, topP: 0.95 };
const PENALTIES = { repeat: 1.3, presence: 0.4, frequency: 0.2, last: 4 };
const PENALISED: SamplingSettings = { ...CUT, minP: 0.05, penalties: PENALTIES };

type Lossless = Extract<StrategyOptions, { strategy: 'speculative' | 'block' }>;

/** Enough that rules with a fault are found out: the tests of such rules ask for more than FITS by far. */
export const TEXTS = tries(1500, 6000);

/** The first three tokens of many texts of five, written with one stream of coins. */
export async function openings(options: StrategyOptions, settings: RunOptions): Promise<string[]> {
  const rng = createRng(1);
  const texts: string[] = [];
  for (let i = 0; i < TEXTS; i++)
    texts.push((await run(options, { maxTokens: 5, rng, ...settings })).emitted.slice(0, 3).join(' '));
  return texts;
}

/** Laws of strategies that leave the distribution of the text as it is. */
export function isLossless(options: Lossless): void {
  it.each([
    { draftLength: 1, sampling: UNCUT },
    { draftLength: 3, sampling: UNCUT },
    { draftLength: 4, sampling: CUT },
    { draftLength: 3, sampling: PENALISED },
  ])(
    'writes with the probabilities of the target: gamma $draftLength, top-k $sampling.topK, penalties $sampling.penalties',
    async ({ draftLength, sampling }) => {
      const texts = await openings({ ...options, draftLength }, { sampling });
      expect(misfit(texts, textsAfter(TARGET, PROMPT, 3, sampling))).toBeLessThan(FITS);
    },
  );

  it('writes at temperature 0 exactly what the target alone writes', async () => {
    const settings = { sampling: { ...UNCUT, temperature: 0 }, maxTokens: 30, endsWith: neverEnds };
    let [stepsAlone, stepsTogether] = [0, 0];
    for (let first = 0; first < 6; first++)
      for (let second = 0; second < 6; second++) {
        const prompt = [first, second];
        const alone = await run({ strategy: 'autoregressive' }, { ...settings, prompt });
        const { emitted, steps } = await run(options, { ...settings, prompt });
        expect(emitted).toEqual(alone.emitted);
        stepsAlone += alone.steps.length;
        stepsTogether += steps.length;
      }
    expect(stepsTogether).toBeLessThan(0.8 * stepsAlone);
  });

  it('tosses at temperature 0 no coin that matters', async () => {
    const settings = { sampling: { ...UNCUT, temperature: 0 } };
    const texts = await Promise.all(
      [0, 0.5, 1 - 2 ** -53].map((coin) => run(options, { ...settings, rng: () => coin })),
    );
    expect(texts[1]!.emitted).toEqual(texts[0]!.emitted);
    expect(texts[2]!.emitted).toEqual(texts[0]!.emitted);
  });
}
