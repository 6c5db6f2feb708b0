import type { Mask } from '../../types.js';

/** Number of largest tokens that a mask is tried on. Behind them, the first allowed token is enough. */
const WINDOW = 64;

/**
 * Finds the tokens with the largest logits that a mask allows. If `top` is 0, it finds all of them. Else it finds the first
 * `top` among the 64 largest (or 2 x top, if that is more); where the mask allows none of these, the next allowed token.
 *
 * Where a grammar allows few tokens, filling up `top` would try nearly the whole vocabulary, at 1 to 8 microseconds a
 * token: at least 0.1 s for 128,000 tokens. The rule depends on logits and mask alone, so it treats target and draft alike.
 * Each model has its own window of 64, as it has its own top-k. A token that only one model ranks among its 64 largest has
 * probability 0 in the other, and the joint ratio compares the two models after this cut.
 *
 * @param largest gives the tokens of the `count` largest logits, largest first
 * @param size number of tokens in the vocabulary
 */
export function largestAllowed(
  largest: (count: number) => Int32Array,
  size: number,
  top: number,
  mask: Mask,
): Int32Array {
  const allows = (token: number) => mask.allows(token);
  if (top === 0 || top >= size) return largest(size).filter(allows);
  const window = largest(Math.max(WINDOW, 2 * top));
  const allowed: number[] = [];
  for (const token of window) if (allowed.length < top && allows(token)) allowed.push(token);
  if (allowed.length > 0) return Int32Array.from(allowed);
  for (const count of [16 * WINDOW, size]) {
    const next = largest(count).find((token) => allows(token));
    if (next !== undefined) return Int32Array.of(next);
  }
  return new Int32Array();
}
