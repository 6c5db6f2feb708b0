import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { choose, sample } from '../../src/math/sample.js';
import { fakeCoins } from '../support/fake-coins.js';
import { fakeDistribution, probabilities, randomDistribution } from '../support/fake-distribution.js';

const LAST_COIN = 1 - 2 ** -53;

describe('choose', () => {
  it('takes the most likely token at temperature 0, without a coin, and refuses to choose among none', () => {
    expect(choose(fakeDistribution(1, 3, 2), { temperature: 0 }, fakeCoins())).toBe(1);
    for (const temperature of [0, 1])
      expect(() => choose(fakeDistribution(), { temperature }, fakeCoins(0))).toThrow(/No token of this voc/);
  });
});

describe('sample', () => {
  it('returns the token at the quantile of the coin', () => {
    const p = fakeDistribution(0.3, 0.5, 0.2); // sorted: 1, 0, 2
    for (const [coin, token] of [
      [0, 1],
      [0.499, 1],
      [0.5, 0],
      [0.501, 0],
      [0.799, 0],
      [0.801, 2],
      [LAST_COIN, 2],
    ] as const)
      expect(sample(p, coin)).toBe(token);
  });

  it('gives each token the share of coins that is its probability', () => {
    const rng = createRng(1);
    const coins = 2000;
    for (let i = 0; i < 50; i++) {
      const p = randomDistribution(rng);
      const counts = new Array<number>(6).fill(0);
      for (let coin = 0; coin < coins; coin++) counts[sample(p, (coin + 0.5) / coins)]!++;
      probabilities(p, 6).forEach((probability, token) => {
        expect(Math.abs(counts[token]! / coins - probability)).toBeLessThanOrEqual(1 / coins);
      });
    }
  });

  it('returns one of the tokens even where they sum to a hair less than one', () => {
    const short = {
      tokens: Int32Array.of(4, 2),
      logProbs: Float64Array.of(Math.log(0.6), Math.log(0.399999)),
    };
    expect(sample(short, LAST_COIN)).toBe(2);
  });
});
