import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { DOES_NOT_FIT, FITS, misfit } from '../support/chi-square.js';

const PARTS = 20;
const UNIFORM = new Map(Array.from({ length: PARTS }, (_, part) => [`${part}`, 1 / PARTS]));

const numbers = (seed: number, count: number) => Array.from({ length: count }, createRng(seed));
const misfitOfUniform = (coins: number[]) =>
  misfit(
    coins.map((coin) => `${Math.floor(PARTS * coin)}`),
    UNIFORM,
  );

describe('createRng', () => {
  it('gives the same numbers for the same seed', () => {
    for (const seed of [0, 1, 42, 2 ** 31, 2 ** 32 - 1]) expect(numbers(seed, 20)).toEqual(numbers(seed, 20));
  });

  it('gives other numbers for another seed', () => {
    const firsts = Array.from({ length: 1000 }, (_, seed) => numbers(seed, 3).join(' '));
    expect(new Set(firsts).size).toBe(1000);
  });

  it('stays within [0, 1)', () => {
    for (const coin of numbers(7, 10_000)) {
      expect(coin).toBeGreaterThanOrEqual(0);
      expect(coin).toBeLessThan(1);
    }
  });

  it('is uniform', () => {
    const coins = numbers(7, 10_000);
    expect(misfitOfUniform(coins)).toBeLessThan(FITS);
    expect(misfitOfUniform(coins.map((coin) => coin ** 1.25))).toBeGreaterThan(DOES_NOT_FIT);
  });

  it.each([0, 1, 2, 3])('is uniform over small seeds in its number %d too', (index) => {
    const coins = Array.from({ length: 4000 }, (_, seed) => numbers(seed, 4)[index]!);
    expect(misfitOfUniform(coins)).toBeLessThan(FITS);
  });

  it('tells nothing about a number by the one before it', () => {
    const coins = numbers(8, 20_000);
    const pairs = coins.flatMap((coin, i) =>
      i % 2 === 0 ? [`${Math.floor(4 * coin)} ${Math.floor(4 * coins[i + 1]!)}`] : [],
    );
    const law = new Map([0, 1, 2, 3].flatMap((a) => [0, 1, 2, 3].map((b) => [`${a} ${b}`, 1 / 16])));
    expect(misfit(pairs, law)).toBeLessThan(FITS);
  });
});
