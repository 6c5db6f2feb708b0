import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { sample } from '../../src/math/sample.js';
import { acceptOwn } from '../../src/rules/own.js';
import type { Distribution } from '../../src/types.js';
import { fakeCoins } from '../support/fake-coins.js';
import { fakeChain, fakeDistribution, randomDistribution } from '../support/fake-distribution.js';

const DRAWN = { temperature: 1 };

describe('acceptOwn', () => {
  it('keeps a draft of the target itself whole, and adds nothing to it', () => {
    const rng = createRng(1);
    for (let i = 0; i < 200; i++) {
      const links = Array.from({ length: 1 + Math.floor(6 * rng()) }, () => {
        const q = randomDistribution(rng);
        return [sample(q, rng()), q] as [number, Distribution];
      });
      const draft = fakeChain(...links);
      const p = [...draft.map(({ q }) => q), fakeDistribution(1)];
      expect(acceptOwn(draft, p, DRAWN, fakeCoins())).toEqual({
        accepted: [...draft.keys()],
        next: undefined,
      });
    }
  });

  it('keeps only what comes before a token that the judging pass cuts off', () => {
    // Rounded otherwise than when it was drafted, the second token is no longer among the likeliest.
    const draft = fakeChain([0, fakeDistribution(0.5, 0.5)], [1, fakeDistribution(0.5, 0.5)]);
    const p = [fakeDistribution(0.5, 0.5), fakeDistribution(1), fakeDistribution(1)];
    expect(acceptOwn(draft, p, DRAWN, () => 0)).toEqual({ accepted: [0], next: 0 });
    expect(acceptOwn(draft, [fakeDistribution(0, 1), ...p.slice(1)], DRAWN, () => 0)).toEqual({
      accepted: [],
      next: 1,
    });
  });

  it('chooses a token of the target where nothing was drafted: at temperature 0 the likeliest', () => {
    const p = [fakeDistribution(0.3, 0.7)];
    expect(acceptOwn([], p, DRAWN, () => 0.99)).toEqual({ accepted: [], next: 0 });
    expect(acceptOwn([], p, { temperature: 0 }, fakeCoins())).toEqual({ accepted: [], next: 1 });
  });
});
