import { describe, expect, it } from 'vitest';
import type { Strategy } from '../../src/decoding/strategy.js';
import { sample } from '../../src/math/sample.js';
import { acceptExact } from '../../src/rules/exact.js';
import { DOES_NOT_FIT, misfit } from '../support/chi-square.js';
import { TARGET, textsAfter, UNCUT } from '../support/fake-model.js';
import { PROMPT } from '../support/fake-run.js';
import { obeysTheContract } from './contract.js';
import { isLossless, openings } from './lossless.js';

const GAMMA_3 = { strategy: 'speculative', draftLength: 3, draftFrom: 'model' } as const;

/** Draws the correction token from the target whole, which counts what the draft was refused twice. */
const withoutResidual = (strategy: Strategy): Strategy => ({
  ...strategy,
  accept(draft, p, rng) {
    const { accepted } = acceptExact(draft, p, rng);
    return { accepted, next: sample(p[accepted.length]!, rng()) };
  },
});

describe('speculative', () => {
  describe.each([1, 3])('with gamma %d', (draftLength) => obeysTheContract({ ...GAMMA_3, draftLength }));

  describe.each(['model', 'lookup'] as const)('with a draft from %s', (draftFrom) =>
    isLossless({ ...GAMMA_3, draftFrom }),
  );

  describe('with a draft from lookup', () => obeysTheContract({ ...GAMMA_3, draftFrom: 'lookup' }));

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
});
