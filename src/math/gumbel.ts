import type { Rng } from '../types.js';

/**
 * Draws up to `count` indices without replacement. Each draw has probability proportional to exp(weight) among the indices
 * that are left. The method adds Gumbel noise and takes the largest (Vieira 2014; Kool et al. 2019). Indices of weight
 * -Infinity are never drawn. Without `rng` no noise is added, and the heaviest indices are returned in order.
 */
export function gumbelTop(logWeights: Float64Array, count: number, rng: Rng | undefined): number[] {
  const keys: { index: number; key: number }[] = [];
  logWeights.forEach((weight, index) => {
    if (weight > -Infinity) keys.push({ index, key: rng ? weight + gumbel(rng()) : weight });
  });
  return keys
    .sort((a, b) => b.key - a.key) // of equal ones the first stays the first
    .slice(0, count)
    .map(({ index }) => index);
}

/** Returns standard Gumbel noise from a uniform `coin` in [0, 1). A coin of 0 counts as the smallest number above 0. */
function gumbel(coin: number): number {
  return -Math.log(-Math.log(Math.max(coin, 2 ** -54)));
}
