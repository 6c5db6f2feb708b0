import type { Mask } from '../../types.js';

/** Tokens that a mask is tried on before the first one it allows is enough. */
const WINDOW = 64;

/**
 * The tokens of the largest logits that a mask allows. All of them where `top` is 0. Else the first `top` among the
 * 64 largest, or 2 x top if that is more; where it allows none of these, the next one that it allows.
 *
 * To fill up `top` would be to try nearly the whole vocabulary wherever a grammar leaves few tokens, at 1 to 8
 * microseconds each: 0.1 s and more of 128,000 tokens. The rule depends on logits and mask alone, so it cuts target
 * and draft alike. Each model has a window of its own all the same, as it has its own top-k: a token that only one of them
 * ranks among its 64 largest has probability 0 in the other, and the joint ratio compares the two models so cut.
 *
 * @param largest tokens of the `count` largest logits, largest first
 * @param size of the vocabulary
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
