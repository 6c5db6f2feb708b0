import { describe, expect, it } from 'vitest';
import { residual, residualMass } from '../../src/math/residual.js';
import { createRng } from '../../src/math/rng.js';
import { fakeDistribution, probabilities, randomDistribution } from '../support/fake-distribution.js';

const SIZE = 6;

function randomPairs(seed: number) {
  const rng = createRng(seed);
  return Array.from({ length: 300 }, () => ({ p: randomDistribution(rng), q: randomDistribution(rng) }));
}

describe('residual', () => {
  it('is the positive part of p - q, normalised', () => {
    for (const { p, q } of randomPairs(1)) {
      const qs = probabilities(q, SIZE);
      const rest = probabilities(p, SIZE).map((probability, token) => Math.max(0, probability - qs[token]!));
      const total = rest.reduce((a, b) => a + b, 0);
      probabilities(residual(p, q), SIZE).forEach((probability, token) => {
        expect(probability).toBeCloseTo(rest[token]! / total, 10);
      });
    }
  });

  it('sums to one, the most likely token first', () => {
    for (const { p, q } of randomPairs(2)) {
      const { logProbs } = residual(p, q);
      expect(logProbs.reduce((sum, logProb) => sum + Math.exp(logProb), 0)).toBeCloseTo(1, 12);
      expect([...logProbs]).toEqual([...logProbs].sort((a, b) => b - a));
    }
  });

  it('makes up, with what the draft can have accepted, the whole of p', () => {
    for (const { p, q } of randomPairs(3)) {
      const [ps, qs, rest] = [p, q, residual(p, q)].map((d) => probabilities(d, SIZE)) as [
        number[],
        number[],
        number[],
      ];
      const accepted = ps.map((probability, token) => Math.min(probability, qs[token]!));
      const refused = 1 - accepted.reduce((a, b) => a + b, 0);
      ps.forEach((probability, token) => {
        expect(accepted[token]! + refused * rest[token]!).toBeCloseTo(probability, 10);
      });
    }
  });

  it.each([1, 0.7, 0.2])('with a scale of %d is the positive part of scale p - q, of that mass', (scale) => {
    for (const { p, q } of randomPairs(4)) {
      const qs = probabilities(q, SIZE);
      const rest = probabilities(p, SIZE).map((probability, token) =>
        Math.max(0, scale * probability - qs[token]!),
      );
      const total = rest.reduce((a, b) => a + b, 0);
      expect(residualMass(p, q, Math.log(scale))).toBeCloseTo(total, 12);
      if (total < 1e-9) continue;
      probabilities(residual(p, q, Math.log(scale)), SIZE).forEach((probability, token) => {
        expect(probability).toBeCloseTo(rest[token]! / total, 9);
      });
    }
  });

  it('has nothing left of a scale of 0', () => {
    for (const { p, q } of randomPairs(5)) expect(residualMass(p, q, -Infinity)).toBe(0);
  });

  it('orders equal tokens by their id', () => {
    expect([...residual(fakeDistribution(1, 2, 1), fakeDistribution(0, 1, 0)).tokens]).toEqual([0, 2]);
    expect([...residual(fakeDistribution(1, 2, 1), fakeDistribution(0, 1, 3)).tokens]).toEqual([0, 1]); // not as in p
  });

  it('is p where the two have no token in common', () => {
    const rest = residual(fakeDistribution(0.25, 0.75, 0, 0), fakeDistribution(0, 0, 0.5, 0.5));
    expect([...rest.tokens]).toEqual([1, 0]);
    expect(Math.exp(rest.logProbs[0]!)).toBeCloseTo(0.75, 12);
  });

  it('falls back to p where nothing is left', () => {
    const p = fakeDistribution(0.2, 0.5, 0.3);
    expect(residual(p, p)).toEqual(p);
  });
});
