import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { logitsNeeded, readOf, type Truncation, truncate } from '../../src/math/truncate.js';
import type { Rng, TokenId, TopLogits } from '../../src/types.js';
import { probabilities } from '../support/fake-distribution.js';

const UNCUT: Truncation = { temperature: 1, topK: 0, topP: 1 };

/** All logits of a vocabulary, as an engine gives them. */
function sorted(logits: readonly number[]): TopLogits {
  const order = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
  return { tokens: Int32Array.from(order), logits: Float64Array.from(order, (token) => logits[token]!) };
}

const ofProbabilities = (...p: number[]) => sorted(p.map(Math.log));
const kept = (top: TopLogits, truncation: Partial<Truncation>) => [
  ...truncate(top, { ...UNCUT, ...truncation }).tokens,
];

function randomCase(rng: Rng): { logits: number[]; truncation: Truncation } {
  const size = 2 + Math.floor(8 * rng());
  const logits = Array.from({ length: size }, () => Math.round(8 * (rng() - 0.5))); // many ties
  const banned = new Set<TokenId>([...logits.keys()].filter((token) => token > 0 && rng() < 0.2));
  const topK = rng() < 0.3 ? 0 : 1 + Math.floor(rng() * (size + 2));
  return {
    logits,
    truncation: {
      temperature: 0.2 + 2 * rng(),
      topK,
      topP: rng() < 0.3 ? 1 : 0.01 + 0.98 * rng(),
      minP: rng() < 0.5 ? 0 : rng(),
      banned,
    },
  };
}

/** The rule in probabilities instead of logarithms, token by token. */
function byTheBook(
  logits: readonly number[],
  { temperature, topK, topP, minP = 0, banned }: Truncation,
): number[] {
  const weights = logits.map((logit, token) => (banned?.has(token) ? 0 : Math.exp(logit / temperature)));
  const ranked = [...weights.keys()]
    .filter((token) => weights[token]! > 0)
    .sort((a, b) => weights[b]! - weights[a]! || a - b)
    .slice(0, topK === 0 ? weights.length : topK);
  const sum = (tokens: number[]) => tokens.reduce((total, token) => total + weights[token]!, 0);
  const enough = topP * sum(ranked);
  const n = ranked.findIndex((_, i) => sum(ranked.slice(0, i + 1)) >= enough);
  const likely = topP === 1 ? ranked : ranked.slice(0, n + 1);
  const left = likely.filter((token) => weights[token]! >= minP * weights[ranked[0]!]!);
  return weights.map((weight, token) => (left.includes(token) ? weight / sum(left) : 0));
}

describe('truncate', () => {
  it('follows the rule for whatever logits and settings', () => {
    const rng = createRng(1);
    for (let i = 0; i < 500; i++) {
      const { logits, truncation } = randomCase(rng);
      const result = probabilities(truncate(sorted(logits), truncation), logits.length);
      byTheBook(logits, truncation).forEach((p, token) => {
        expect(result[token]).toBeCloseTo(p, 10);
      });
    }
  });

  it('gives probabilities that sum to one, the most likely first, equal ones by token id', () => {
    const rng = createRng(2);
    for (let i = 0; i < 500; i++) {
      const { logits, truncation } = randomCase(rng);
      const { tokens, logProbs } = truncate(sorted(logits), truncation);
      expect(logProbs.reduce((sum, logProb) => sum + Math.exp(logProb), 0)).toBeCloseTo(1, 12);
      for (let j = 1; j < tokens.length; j++) {
        expect(logProbs[j]).toBeLessThanOrEqual(logProbs[j - 1]!);
        if (logProbs[j] === logProbs[j - 1]) expect(tokens[j]).toBeGreaterThan(tokens[j - 1]!);
      }
    }
  });

  it('needs to see no more logits than it says', () => {
    const rng = createRng(3);
    for (let i = 0; i < 500; i++) {
      const { logits, truncation } = randomCase(rng);
      const all = sorted(logits);
      const needed = logitsNeeded(truncation) || logits.length;
      const some = { tokens: all.tokens.slice(0, needed), logits: all.logits.slice(0, needed) };
      expect(truncate(some, truncation)).toEqual(truncate(all, truncation));
    }
  });

  it('leaves the distribution whole with top-k 0 and top-p 1', () => {
    const p = [0.5, 0.3, 0.15, 0.05];
    const result = probabilities(truncate(ofProbabilities(...p), UNCUT), 4);
    result.forEach((probability, token) => {
      expect(probability).toBeCloseTo(p[token]!, 12);
    });
  });

  it('applies the temperature before top-p', () => {
    const top = ofProbabilities(0.55, 0.3, 0.15);
    expect(kept(top, { topP: 0.5 })).toEqual([0]);
    expect(kept(top, { topP: 0.5, temperature: 2 })).toEqual([0, 1]);
    expect(kept(top, { topP: 0.9, temperature: 0.25 })).toEqual([0]);
  });

  it('takes top-p of what top-k has left', () => {
    const top = ofProbabilities(0.4, 0.3, 0.2, 0.1);
    expect(kept(top, { topP: 0.55 })).toEqual([0, 1]);
    expect(kept(top, { topP: 0.55, topK: 2 })).toEqual([0]);
  });

  it('keeps the lower ids among equal tokens at the border', () => {
    const top = sorted([1, 2, 1, 2, 1]);
    expect(kept(top, { topK: 1 })).toEqual([1]);
    expect(kept(top, { topK: 4 })).toEqual([1, 3, 0, 2]);
    expect(kept(top, { topP: 0.01 })).toEqual([1]);
  });

  it('stops where the mass reaches top-p exactly', () => {
    expect(kept(ofProbabilities(0.5, 0.25, 0.25), { topP: 0.5 })).toEqual([0]);
    expect(kept(ofProbabilities(0.5, 0.25, 0.25), { topP: 0.75 })).toEqual([0, 1]);
  });

  it('takes min-p as a share of the largest probability, after the temperature', () => {
    const top = ofProbabilities(0.4, 0.3, 0.2, 0.1);
    expect(kept(top, { minP: 0.4 })).toEqual([0, 1, 2]);
    expect(kept(top, { minP: 0.4, temperature: 2 })).toEqual([0, 1, 2, 3]);
    expect(kept(top, { minP: 0.4, topP: 0.6 })).toEqual([0, 1]);
    expect(kept(sorted([2, 2, 1]), { minP: 1 })).toEqual([0, 1]);
  });

  it('drops nothing for its mass with top-p 1, where rounding leaves none for the last tokens', () => {
    expect(kept(sorted([50, 0]), { minP: 1e-30 })).toEqual([0, 1]);
  });

  it('keeps one token at least', () => {
    expect(kept(ofProbabilities(0.2, 0.5, 0.3), { topP: Number.MIN_VALUE })).toEqual([1]);
    expect(kept(ofProbabilities(0.2, 0.5, 0.3), { topK: 1, topP: Number.MIN_VALUE })).toEqual([1]);
  });

  it('keeps no more than top-k tokens, and all of them where there are fewer', () => {
    expect(kept(ofProbabilities(0.2, 0.5, 0.3), { topK: 2 })).toEqual([1, 2]);
    expect(kept(ofProbabilities(0.2, 0.5, 0.3), { topK: 9 })).toEqual([1, 2, 0]);
  });

  it('removes banned tokens before it counts or weighs', () => {
    const banned = new Set([1]);
    const without = { tokens: Int32Array.of(0, 2, 3), logits: Float64Array.of(3, 2, 1) };
    for (const truncation of [
      { ...UNCUT, topK: 2 },
      { ...UNCUT, topP: 0.8 },
    ])
      expect(truncate(sorted([3, 9, 2, 1]), { ...truncation, banned })).toEqual(
        truncate(without, truncation),
      );
  });

  it('asks for as many more logits as tokens are banned, and for all without top-k', () => {
    expect(logitsNeeded({ ...UNCUT, topK: 10 })).toBe(10);
    expect(logitsNeeded({ ...UNCUT, topK: 10, banned: new Set([3, 4]) })).toBe(12);
    expect(logitsNeeded({ ...UNCUT, topK: 0, banned: new Set([3, 4]) })).toBe(0);
  });

  it('asks for nothing that padding or a constraint rules out', () => {
    const constraint = { masks: () => [] };
    const asked = readOf({ ...UNCUT, topK: 10, vocabularySize: 5, constraint }, true);
    expect(asked).toEqual({ top: 10, vocabularySize: 5, logSumExp: true, constraint });
  });

  it('does not depend on a number added to all logits', () => {
    const [low, high] = [-1000, 1000].map((shift) =>
      truncate(sorted([1, 0.5, 2].map((logit) => logit + shift)), UNCUT),
    );
    expect(probabilities(low!, 3)).toEqual(probabilities(high!, 3));
  });

  it.each([1e-3, 1e-100, 5e-324])(
    'gives the most likely token everything at temperature %d',
    (temperature) => {
      for (const logits of [
        [3, 7, -1],
        [-3, -0.5, -9],
        [-3, 0, -9],
      ])
        expect(probabilities(truncate(sorted(logits), { ...UNCUT, temperature }), 3)).toEqual([0, 1, 0]);
    },
  );

  it.each([1e3, 1e300])('makes all tokens alike at temperature %d', (temperature) => {
    const result = probabilities(truncate(sorted([3, 7, -1]), { ...UNCUT, temperature }), 3);
    for (const probability of result) expect(probability).toBeCloseTo(1 / 3, 2);
  });

  it('does not change what it was given', () => {
    const top = sorted([1, 3, 2]);
    truncate(top, { temperature: 0.5, topK: 2, topP: 0.5, banned: new Set([1]) });
    expect(top).toEqual(sorted([1, 3, 2]));
  });
});
