import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { DOES_NOT_FIT, FITS, misfit } from '../support/chi-square.js';
import { corpusOf, judgingEvenly } from '../support/corpus-of.js';
import { TARGET, textsAfter, UNCUT } from '../support/fake-model.js';
import { PROMPT, run } from '../support/fake-run.js';
import { openings } from './lossless.js';

/** Texts of the target, as somebody's notes may be like what is to be written. */
const CORPUS = corpusOf(
  (
    await Promise.all(
      [1, 2, 3, 4, 5, 6].map(async (seed) => {
        const { prefix } = await run(
          { strategy: 'autoregressive' },
          { rng: createRng(seed), maxTokens: 40, endsWith: () => undefined },
        );
        return prefix;
      }),
    )
  ).flat(),
);
const CUT = { temperature: 0.8, topK: 4, topP: 0.95 };

describe.each(['speculative', 'block'] as const)('%s with a corpus', (strategy) => {
  const options = { strategy, draftLength: 3, draftFrom: 'corpus' } as const;

  it.each([UNCUT, CUT])('writes with the probabilities of the target: top-k $topK', async (sampling) => {
    const texts = await openings(options, { sampling, corpus: CORPUS });
    expect(misfit(texts, textsAfter(TARGET, PROMPT, 3, sampling))).toBeLessThan(FITS);
  });

  it('would be found out if it judged by another q than it draws from', async () => {
    const texts = await openings(options, { corpus: CORPUS, alter: judgingEvenly });
    expect(misfit(texts, textsAfter(TARGET, PROMPT, 3, UNCUT))).toBeGreaterThan(DOES_NOT_FIT);
  });
});

describe.each([
  { strategy: 'mtad', draftLength: 4, beamWidth: 3, threshold: 0.3, clip: false, draftFrom: 'corpus' },
  { strategy: 'mmtad', draftLength: 4, beamWidth: 3, threshold: 0.3, draftFrom: 'corpus' },
  { strategy: 'speculative', draftLength: 4, draftFrom: 'corpus' },
] as const)('$strategy with a corpus', (options) => {
  it('needs no pass of a draft model, and fewer of the target than there are tokens', async () => {
    const { steps, emitted } = await run(options, {
      corpus: CORPUS,
      maxTokens: 60,
      endsWith: () => undefined,
    });
    expect(emitted).toHaveLength(60);
    expect(steps.every(({ draftPasses }) => draftPasses === 0)).toBe(true);
    expect(steps.length).toBeLessThan(50);
  });

  it('says so where there is none', async () => {
    await expect(run(options)).rejects.toThrow('drafts from a corpus, and none is loaded');
  });
});
