import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/sampling/rng.js';
import { sample } from '../../src/sampling/sample.js';
import type { Distribution, Draft, Rng, TokenId, Verdict } from '../../src/types.js';
import { acceptExact } from '../../src/verification/exact.js';
import { everyWay, fakeCoins } from '../support/fake-coins.js';
import { fakeChain, fakeDistribution } from '../support/fake-distribution.js';

type Rule = (draft: Draft, p: readonly Distribution[], rng: Rng) => Verdict;
type Law = ReadonlyMap<string, number>;

/** A coin falls into one of 12 parts: every threshold of the distributions below is a multiple of 1/12. */
const PARTS = 12;

interface Block {
  readonly accepted: number;
  readonly tokens: readonly TokenId[];
  readonly weight: number; // probability; two blocks of the same tokens are one
}

/** All that one round of drafting from q and judging by the rule can emit. q[i] drafts token i. */
function blocks(q: readonly Distribution[], p: readonly Distribution[], rule: Rule = acceptExact): Block[] {
  const all = new Map<string, Block>();
  for (const drafted of texts(q)) {
    const draft = fakeChain(...drafted.tokens.map((token, i) => [token, q[i]!] as [TokenId, Distribution]));
    for (const { outcome, weight } of everyWay(PARTS, (rng) => rule(draft, p, rng))) {
      const accepted = outcome.accepted.length;
      const tokens = [...drafted.tokens.slice(0, accepted), outcome.next!];
      const sum = (all.get(`${tokens}`)?.weight ?? 0) + drafted.weight * weight;
      all.set(`${tokens}`, { accepted, tokens, weight: sum });
    }
  }
  return [...all.values()];
}

/** All texts whose i-th token is drawn from p[i]. */
function texts(p: readonly Distribution[]): { tokens: readonly TokenId[]; weight: number }[] {
  const [first, ...others] = p;
  if (!first) return [{ tokens: [], weight: 1 }];
  const rest = texts(others);
  return Array.from(first.tokens, (token, i) =>
    rest.map(({ tokens, weight }) => ({
      tokens: [token, ...tokens],
      weight: Math.exp(first.logProbs[i]!) * weight,
    })),
  ).flat();
}

/** The law of texts of so many tokens that begin with a block and go on with what `rest` has for that length. */
function lawOf(
  all: readonly Block[],
  length: number,
  rest: (from: number) => readonly { tokens: readonly TokenId[]; weight: number }[],
): Law {
  const law = new Map<string, number>();
  const grow = (tokens: readonly TokenId[], weight: number): void => {
    if (tokens.length >= length) {
      const text = tokens.slice(0, length).join(' ');
      law.set(text, (law.get(text) ?? 0) + weight);
    } else for (const more of rest(tokens.length)) grow([...tokens, ...more.tokens], weight * more.weight);
  };
  for (const { tokens, weight } of all) grow(tokens, weight);
  return law;
}

const lawOfTarget = (p: readonly Distribution[]): Law =>
  new Map(texts(p).map(({ tokens, weight }) => [tokens.join(' '), weight]));

function expectSameLaw(law: Law, expected: Law): void {
  expect([...law.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [text, probability] of expected) expect(law.get(text)).toBeCloseTo(probability, 9);
}

function largestDifference(law: Law, expected: Law): number {
  const texts = new Set([...law.keys(), ...expected.keys()]);
  return Math.max(...[...texts].map((text) => Math.abs((law.get(text) ?? 0) - (expected.get(text) ?? 0))));
}

/** Three whole numbers from `least` to 4 that sum to 6: all thresholds are then multiples of 1/12. */
function sixths(rng: Rng, least: number): Distribution {
  for (;;) {
    const [a, b] = [0, 0].map(() => least + Math.floor(rng() * (5 - least))) as [number, number];
    const c = 6 - a - b;
    if (c >= least && c <= 4) return fakeDistribution(a, b, c);
  }
}

describe('acceptExact', () => {
  describe('with p = (1/3, 2/3), q = (2/3, 1/3) and two drafted tokens', () => {
    const p = fakeDistribution(1, 2);
    const q = fakeDistribution(2, 1);
    const round = blocks([q, q], [p, p, p]);

    it('accepts 10/9 drafted tokens on average', () => {
      const mean = round.reduce((sum, { accepted, weight }) => sum + accepted * weight, 0);
      expect(mean).toBeCloseTo(10 / 9, 9);
    });

    it('writes texts of three tokens with the probabilities of the target', () => {
      expectSameLaw(
        lawOf(round, 3, () => round),
        lawOfTarget([p, p, p]),
      );
    });
  });

  it('writes with the probabilities of the target, whatever the distributions', () => {
    const rng = createRng(1);
    for (let i = 0; i < 15; i++) {
      const q = [sixths(rng, 1), sixths(rng, 1)];
      const p = [sixths(rng, 0), sixths(rng, 0), sixths(rng, 0)];
      const law = lawOf(blocks(q, p), 3, (from) => texts([p[from]!]));
      expectSameLaw(law, lawOfTarget(p));
    }
  });

  it('would not do so with a next token from p instead of the residual', () => {
    const p = fakeDistribution(1, 2);
    const q = fakeDistribution(2, 1);
    const wrong: Rule = (draft, ps, rng) => {
      const { accepted } = acceptExact(draft, ps, rng);
      return { accepted, next: sample(ps[accepted.length]!, rng()) };
    };
    const law = lawOf(blocks([q, q], [p, p, p], wrong), 3, () => texts([p]));
    expect(largestDifference(law, lawOfTarget([p, p, p]))).toBeGreaterThan(0.02);
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
    const p = [fakeDistribution(1, 2), fakeDistribution(3, 1), fakeDistribution(1, 5)];
    const round = blocks(p.slice(0, 2), p);
    for (const { accepted } of round) expect(accepted).toBe(2);
    expectSameLaw(
      lawOf(round, 3, () => []),
      lawOfTarget(p),
    );
  });

  it('with nothing drafted draws from the target', () => {
    const p = fakeDistribution(2, 4, 6);
    expectSameLaw(
      lawOf(blocks([], [p]), 1, () => []),
      lawOfTarget([p]),
    );
  });
});
