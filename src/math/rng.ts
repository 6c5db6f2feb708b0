import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';
import type { Rng } from '../types.js';

/**
 * A seeded generator: the same seed (any 32-bit integer) gives the same numbers on every machine.
 * Mersenne Twister, because it mixes its seed: with xoroshiro128+ the first number of every small seed is close to 1.
 */
export function createRng(seed: number): Rng {
  const generator = mersenne(seed);
  return () => uniformFloat64(generator);
}
