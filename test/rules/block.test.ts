import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { acceptBlock, blocksOf as judgedBlocks } from '../../src/rules/block.js';
import { acceptExact } from '../../src/rules/exact.js';
import type { Distribution, TokenId, Verdict } from '../../src/types.js';
import { fakeCoins } from '../support/fake-coins.js';
import { fakeChain, fakeDistribution, randomDistribution } from '../support/fake-distribution.js';
import {
  blocksOf,
  byBlocks,
  byTwelfths,
  expectSameLaw,
  inTurn,
  lawOf,
  meanAccepted,
  type Source,
  textsOf,
  type Verdicts,
} from './lossless.js';

const REFUSING = 1 - 2 ** -53; // the largest coin: it refuses what can be refused

/** The values of a function of a coin, each on one interval of [0, 1), in turn; and the lengths of the intervals. */
function valuesOf<T extends number>(of: (coin: number) => T): { value: T; weight: number }[] {
  const values: { value: T; weight: number }[] = [];
  for (let from = 0; from < 1; ) {
    const value = of(from);
    let [same, other] = [from, 1];
    while (other - same > 2 ** -50) {
      const middle = (same + other) / 2;
      if (of(middle) === value) same = middle;
      else other = middle;
    }
    values.push({ value, weight: other - from });
    from = other;
  }
  return values;
}

/** All verdicts of block verification, its thresholds found by trying: a coin for each token, and one for the next. */
const found: Verdicts = (draft, p) => {
  const verdict = (...coins: number[]): Verdict => acceptBlock(draft, p, fakeCoins(...coins));
  const refusing = draft.map(() => REFUSING);
  const passing = draft.map((_, i) => {
    const values = valuesOf((coin) => verdict(...refusing.with(i, coin), 0).accepted.length);
    return values.find(({ value }) => value === i + 1)?.weight ?? 0;
  });
  return [0, ...passing].flatMap((probability, n) => {
    const longerFail = passing.slice(n).reduce((product, h) => product * (1 - h), 1);
    const weight = (n === 0 ? 1 : probability) * longerFail;
    if (weight < 1e-12) return [];
    const coins = n === 0 ? refusing : refusing.with(n - 1, 0);
    return valuesOf((coin) => verdict(...coins, coin).next!).map((next) => ({
      outcome: { accepted: [...draft.keys()].slice(0, n), next: next.value },
      weight: weight * next.weight,
    }));
  });
};

/** A model of three tokens that knows the whole text; some tokens it never writes. */
function randomSource(seed: number): Source {
  const rng = createRng(seed);
  const known = new Map<string, Distribution>();
  return (text) => {
    const distribution = known.get(text.join()) ?? randomDistribution(rng, 3);
    known.set(text.join(), distribution);
    return distribution;
  };
}

const TOYS = Array.from({ length: 20 }, (_, i) => ({ q: randomSource(2 * i), p: randomSource(2 * i + 1) }));

/** Drafted tokens that token-wise verification accepts on average: all up to the first that fails its p/q. */
function meanAcceptedTokenWise(q: Source, p: Source, gamma: number): number {
  const probability = (source: Source, text: readonly TokenId[], token: TokenId) => {
    const { tokens, logProbs } = source(text);
    const i = tokens.indexOf(token);
    return i === -1 ? 0 : Math.exp(logProbs[i]!);
  };
  let mean = 0;
  for (const { tokens, weight } of textsOf(q, gamma)) {
    let all = weight;
    for (const [i, token] of tokens.entries()) {
      const before = tokens.slice(0, i);
      all *= Math.min(1, probability(p, before, token) / probability(q, before, token));
      mean += all;
    }
  }
  return mean;
}

describe('acceptBlock', () => {
  describe('with p = (1/3, 2/3), q = (2/3, 1/3) and two drafted tokens', () => {
    const p: Source = () => fakeDistribution(1, 2);
    const q: Source = () => fakeDistribution(2, 1);
    const round = () => blocksOf(q, p, 2, byTwelfths(acceptBlock));

    it('accepts 11/9 drafted tokens on average, where the token-wise rule accepts 10/9', () => {
      expect(meanAccepted(round())).toBeCloseTo(11 / 9, 9);
      expect(meanAccepted(blocksOf(q, p, 2, byTwelfths(acceptExact)))).toBeCloseTo(10 / 9, 9);
    });

    it('writes texts of three tokens with the probabilities of the target', () => {
      expectSameLaw(lawOf(round(), 3, byBlocks(round())), lawOf(textsOf(p, 3), 3));
    });

    it('has the verdicts that are found by trying', () => {
      expectSameLaw(lawOf(blocksOf(q, p, 2, found), 1), lawOf(round(), 1));
      expect(meanAccepted(blocksOf(q, p, 2, found))).toBeCloseTo(11 / 9, 9);
    });
  });

  it('writes with the probabilities of the target, whatever the models', () => {
    for (const { q, p } of TOYS) {
      const law = lawOf(blocksOf(q, p, 3, found), 4, (text) => textsOf(p, 4, text));
      expectSameLaw(law, lawOf(textsOf(p, 4), 4));
    }
  });

  it('accepts at least as many tokens as the token-wise rule on average, and mostly more', () => {
    const gains = TOYS.map(
      ({ q, p }) => meanAccepted(blocksOf(q, p, 3, found)) - meanAcceptedTokenWise(q, p, 3),
    );
    for (const gain of gains) expect(gain).toBeGreaterThan(-1e-9);
    expect(gains.filter((gain) => gain > 0.01).length).toBeGreaterThan(TOYS.length / 2);
  });

  it('with one drafted token is the token-wise rule', () => {
    for (const { q, p } of TOYS)
      expect(meanAccepted(blocksOf(q, p, 1, found))).toBeCloseTo(meanAcceptedTokenWise(q, p, 1), 9);
  });

  it('accepts a token that failed when a longer block passes', () => {
    const [q, p] = [fakeDistribution(2, 1), fakeDistribution(1, 2)];
    const draft = fakeChain([0, q], [1, q]); // p/q = 1/2, then 2: a_2 = 1
    expect(acceptBlock(draft, [p, p, p], fakeCoins(REFUSING, REFUSING, 0)).accepted).toEqual([0, 1]);
    expect(acceptExact(draft, [p, p, p], fakeCoins(REFUSING, 0)).accepted).toEqual([]);
  });

  it('never accepts what the target cannot say, nor anything after it', () => {
    const q = fakeDistribution(1, 1, 1);
    const p = fakeDistribution(0, 1, 3);
    const draft = fakeChain([1, q], [0, q], [2, q]);
    const { accepted, next } = acceptBlock(draft, [p, p, p, p], fakeCoins(0, 0, 0, 0));
    expect(accepted).toEqual([0]);
    expect(next).toBe(2); // all that a_1 p has over q
  });

  it('takes distributions that are certain of one token: all or nothing, no coin matters', () => {
    const [a, b] = [fakeDistribution(1), fakeDistribution(0, 1)];
    for (const coin of [0, 0.5, REFUSING]) {
      const judge = (...p: Distribution[]) =>
        acceptBlock(fakeChain([0, a], [0, a]), p, fakeCoins(coin, coin, coin));
      expect(judge(a, a, b)).toEqual({ accepted: [0, 1], next: 1 });
      expect(judge(a, b, a)).toEqual({ accepted: [0], next: 1 });
      expect(judge(b, a, a)).toEqual({ accepted: [], next: 1 });
    }
  });

  it('accepts a draft of the target itself, whole, and adds a token of the target', () => {
    const p = inTurn(fakeDistribution(1, 2), fakeDistribution(3, 1), fakeDistribution(1, 5));
    const round = blocksOf(p, p, 2, found);
    for (const { accepted } of round) expect(accepted).toBe(2);
    expectSameLaw(lawOf(round, 3), lawOf(textsOf(p, 3), 3));
  });

  it('with nothing drafted draws from the target', () => {
    const p: Source = () => fakeDistribution(2, 4, 6);
    expectSameLaw(lawOf(blocksOf(p, p, 0, byTwelfths(acceptBlock)), 1), lawOf(textsOf(p, 1), 1));
  });
});

describe('blocksOf', () => {
  const passing = (...judged: Parameters<typeof judgedBlocks>) =>
    judgedBlocks(...judged).map((block) => block.passing);

  it('passes a block by what the next residual weighs beside what the block lacks', () => {
    const [a, b, either] = [fakeDistribution(1), fakeDistribution(0, 1), fakeDistribution(1, 1)];
    const [half, none] = passing(fakeChain([0, a], [0, a]), [either, b, a]); // a_1 = 1/2 = Z_1, a_2 = 0
    expect(half).toBeCloseTo(1 / 2, 12);
    expect(none).toBe(0);
  });

  it('passes a block that lacks nothing, also before a token on which both models agree', () => {
    const q = fakeDistribution(1, 1);
    expect(passing(fakeChain([0, q], [1, q]), [q, q, q])).toEqual([1, 1]); // Z_1 = 0
  });
});
