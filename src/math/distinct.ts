import type { TokenId } from '../types.js';

/**
 * distinct-n: different n-grams ÷ n-grams, (0, 1]. Low where a text repeats itself (Li et al. 2016, section 5.2).
 * It falls with the length of a text, so compare texts of like length. NaN for a text shorter than n.
 */
export function distinct(tokens: readonly TokenId[], n: number): number {
  const grams = tokens.slice(n - 1).map((_, i) => tokens.slice(i, i + n).join(' '));
  return new Set(grams).size / grams.length;
}
