import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { sample } from '../../src/math/sample.js';
import { acceptExact } from '../../src/rules/exact.js';
import type { Distribution, Rng } from '../../src/types.js';
import { fakeCoins } from '../support/fake-coins.js';
import { fakeChain, fakeDistribution } from '../support/fake-distribution.js';
import {
  blocksOf,
  byBlocks,
  byTwelfths,
  expectSameLaw,
  inTurn,
  largestDifference,
  lawOf,
  meanAccepted,
  type Rule,
  type Source,
  textsOf,
} from './lossless.js';

/** Three whole numbers from `least` to 4 that sum to 6: all thresholds are then multiples of 1/12. */
function sixths(rng: Rng, least: number): Distribution {
  for (;;) {
    const [a, b] = [0, 0].map(() => least + Math.floor(rng() * (5 - least))) as [number, number];
    const c = 6 - a - b;
    if (c >= least && c <= 4) return fakeDistribution(a, b, c);
  }
}

const exactly = byTwelfths(acceptExact);

describe('acceptExact', () => {
  describe('with p = (1/3, 2/3), q = (2/3, 1/3) and two drafted tokens', () => {
    const p: Source = () => fakeDistribution(1, 2);
    const q: Source = () => fakeDistribution(2, 1);
    const round = blocksOf(q, p, 2, exactly);

    it('accepts 10/9 drafted tokens on average', () => {
      expect(meanAccepted(round)).toBeCloseTo(10 / 9, 9);
    });

    it('writes texts of three tokens with the probabilities of the target', () => {
      expectSameLaw(lawOf(round, 3, byBlocks(round)), lawOf(textsOf(p, 3), 3));
    });
  });

  it('writes with the probabilities of the target, whatever the distributions', () => {
    const rng = createRng(1);
    for (let i = 0; i < 15; i++) {
      const q = inTurn(sixths(rng, 1), sixths(rng, 1));
      const p = inTurn(sixths(rng, 0), sixths(rng, 0), sixths(rng, 0));
      const law = lawOf(blocksOf(q, p, 2, exactly), 3, (text) => textsOf(p, 3, text));
      expectSameLaw(law, lawOf(textsOf(p, 3), 3));
    }
  });

  it('would not do so with a next token from p instead of the residual', () => {
    const p: Source = () => fakeDistribution(1, 2);
    const q: Source = () => fakeDistribution(2, 1);
    const wrong: Rule = (draft, ps, rng) => {
      const { accepted } = acceptExact(draft, ps, rng);
      return { accepted, next: sample(ps[accepted.length]!, rng()) };
    };
    const law = lawOf(blocksOf(q, p, 2, byTwelfths(wrong)), 3, (text) => textsOf(p, 3, text));
    expect(largestDifference(law, lawOf(textsOf(p, 3), 3))).toBeGreaterThan(0.02);
  });

  it('accepts a token while the coin is below p/q', () => {
    const p = fakeDistribution(1, 2);
    const draft = fakeChain([0, fakeDistribution(2, 1)]); // p/q = 1/2
    expect(acceptExact(draft, [p, p], fakeCoins(0.499, 0)).accepted).toEqual([0]);
    expect(acceptExact(draft, [p, p], fakeCoins(0.501, 0)).accepted).toEqual([]);
  });

  it('never accepts what the target cannot say, and then draws from what it can', () => {
    const draft = fakeChain([0, fakeDistribution(1, 1, 0)]);
    const p = fakeDistribution(0, 1, 3);
    const { accepted, next } = acceptExact(draft, [p, p], fakeCoins(0, 0));
    expect(accepted).toEqual([]);
    expect(next).toBe(2); // all that p has over q, most of it here
  });

  it('accepts nothing after the first refusal', () => {
    const sure = fakeDistribution(1);
    const draft = fakeChain([0, sure], [1, fakeDistribution(0, 1)], [0, sure]);
    const { accepted, next } = acceptExact(draft, [sure, sure, sure, sure], fakeCoins(0.5, 0.5, 0.5));
    expect(accepted).toEqual([0]);
    expect(next).toBe(0);
  });

  it('accepts a draft of the target itself, whole, and adds a token of the target', () => {
    const p = inTurn(fakeDistribution(1, 2), fakeDistribution(3, 1), fakeDistribution(1, 5));
    const round = blocksOf(p, p, 2, exactly);
    for (const { accepted } of round) expect(accepted).toBe(2);
    expectSameLaw(lawOf(round, 3), lawOf(textsOf(p, 3), 3));
  });

  it('with nothing drafted draws from the target', () => {
    const p: Source = () => fakeDistribution(2, 4, 6);
    expectSameLaw(lawOf(blocksOf(p, p, 0, exactly), 1), lawOf(textsOf(p, 1), 1));
  });
});
