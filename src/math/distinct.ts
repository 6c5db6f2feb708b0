import type { TokenId } from '../types.js';

/**
 * Returns distinct-n: the number of different n-grams ÷ the number of n-grams, in (0, 1] (Li et al. 2016, section 5.2). It is
 * low where a text repeats itself, and falls with the length of a text, so compare texts of equal length. NaN for a text
 * shorter than n.
 */
export function distinct(tokens: readonly TokenId[], n: number): number {
  const grams = tokens.slice(n - 1).map((_, i) => tokens.slice(i, i + n).join(' '));
  return new Set(grams).size / grams.length;
}
