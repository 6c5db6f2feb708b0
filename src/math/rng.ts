import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';
import type { Rng } from '../types.js';

/**
 * Returns a generator of random numbers. The same seed (any 32-bit integer) gives the same numbers on every machine. It is a
 * Mersenne Twister, which mixes its seed. With xoroshiro128+ the first number of every small seed is close to 1.
 */
export function createRng(seed: number): Rng {
  const generator = mersenne(seed);
  return () => uniformFloat64(generator);
}
