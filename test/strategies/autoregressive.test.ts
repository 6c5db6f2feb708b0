import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { FITS, misfit } from '../support/chi-square.js';
import { distributionAfter, TARGET, textsAfter, UNCUT } from '../support/fake-model.js';
import { PROMPT, run } from '../support/fake-run.js';
import { obeysTheContract } from './contract.js';

const OPTIONS = { strategy: 'autoregressive' } as const;

describe('autoregressive', () => {
  obeysTheContract(OPTIONS);

  it('writes with the probabilities of the target', async () => {
    const rng = createRng(1);
    const sampling = { temperature: 0.8, topK: 4, topP: 0.95 };
    const texts: string[] = [];
    for (let i = 0; i < 5000; i++)
      texts.push((await run(OPTIONS, { sampling, rng, maxTokens: 3 })).emitted.join(' '));
    expect(misfit(texts, textsAfter(TARGET, PROMPT, 3, sampling))).toBeLessThan(FITS);
  });

  it('writes the most likely token each time at temperature 0', async () => {
    const { emitted } = await run(OPTIONS, { sampling: { ...UNCUT, temperature: 0 } });
    emitted.forEach((token, i) => {
      expect(token).toBe(distributionAfter(TARGET, [...PROMPT, ...emitted.slice(0, i)], UNCUT).tokens[0]);
    });
  });

  it('emits one token a step and leaves the draft model alone', async () => {
    const { steps, pair } = await run(OPTIONS);
    for (const { emitted } of steps) expect(emitted).toHaveLength(1);
    expect(pair.draft.passes).toBe(1); // the prompt
  });
});
