import { describe, expect, it } from 'vitest';
import { gumbelTop } from '../../src/math/gumbel.js';
import { createRng } from '../../src/math/rng.js';
import { DOES_NOT_FIT, FITS, misfit } from '../support/chi-square.js';
import { fakeCoins } from '../support/fake-coins.js';

const WEIGHTS = [5, 1, 3, 0, 2]; // probabilities but for their sum
const LOG_WEIGHTS = Float64Array.from(WEIGHTS, Math.log);

/** Probability of each sequence of so many draws, one after the other, each from what is left. */
function sequentialDraws(count: number): Map<string, number> {
  const law = new Map<string, number>();
  const draw = (drawn: number[], probability: number): void => {
    if (drawn.length === count) {
      law.set(drawn.join(' '), probability);
      return;
    }
    const left = [...WEIGHTS.keys()].filter((index) => WEIGHTS[index]! > 0 && !drawn.includes(index));
    const total = left.reduce((sum, index) => sum + WEIGHTS[index]!, 0);
    for (const index of left) draw([...drawn, index], (probability * WEIGHTS[index]!) / total);
  };
  draw([], 1);
  return law;
}

describe('gumbelTop', () => {
  it.each([1, 2, 3, 4])('draws %d in the order of draws without replacement', (count) => {
    const rng = createRng(count);
    const draws = Array.from({ length: 20_000 }, () => gumbelTop(LOG_WEIGHTS, count, rng).join(' '));
    expect(misfit(draws, sequentialDraws(count))).toBeLessThan(FITS);
  });

  it('could not use another noise: the same test refuses one that is uniform', () => {
    const rng = createRng(1);
    const uniformTop = () =>
      [0, 1, 2, 4]
        .map((index) => ({ index, key: LOG_WEIGHTS[index]! + 3 * rng() }))
        .sort((a, b) => b.key - a.key)
        .slice(0, 2)
        .map(({ index }) => index);
    const draws = Array.from({ length: 20_000 }, () => uniformTop().join(' '));
    expect(misfit(draws, sequentialDraws(2))).toBeGreaterThan(DOES_NOT_FIT);
  });

  it('draws no index twice, and none that is impossible', () => {
    const rng = createRng(5);
    for (let i = 0; i < 200; i++) {
      const weights = Float64Array.from({ length: 8 }, () => (rng() < 0.4 ? -Infinity : -50 * rng()));
      const possible = [...weights.keys()].filter((index) => weights[index]! > -Infinity);
      const count = 1 + Math.floor(9 * rng());
      const drawn = gumbelTop(weights, count, rng);
      expect(drawn).toHaveLength(Math.min(count, possible.length));
      expect(new Set(drawn).size).toBe(drawn.length);
      expect(possible).toEqual(expect.arrayContaining(drawn));
    }
  });

  it('draws all that is possible where more is wanted, even with a coin of 0', () => {
    expect(gumbelTop(Float64Array.of(-Infinity, -1000, -Infinity, -2000), 3, () => 0)).toEqual([1, 3]);
  });

  it('rules nothing out for a coin of 0', () => {
    expect(gumbelTop(Float64Array.of(-20, 0), 1, fakeCoins(0.5, 0))).toEqual([1]);
  });

  it('works on weights too small for a probability', () => {
    const [rng, twin] = [createRng(6), createRng(6)];
    const shifted = LOG_WEIGHTS.map((weight) => weight - 5000);
    for (let i = 0; i < 100; i++) expect(gumbelTop(shifted, 2, rng)).toEqual(gumbelTop(LOG_WEIGHTS, 2, twin));
  });

  it('without noise takes the heaviest in order, equal ones by index', () => {
    expect(gumbelTop(Float64Array.of(-2, -1, -3, -1, -Infinity), 3, undefined)).toEqual([1, 3, 0]);
    expect(gumbelTop(Float64Array.of(-2, -Infinity, -1), 3, undefined)).toEqual([2, 0]);
  });
});
