import type { Mask, TopLogits } from '../../types.js';
import { largestAllowed } from '../llama/largest-allowed.js';
import type { ReadRequest } from '../passes.js';

/** The smallest probability above 0 that float32 has. */
const SMALLEST = 2 ** -149;

/**
 * @returns the number of largest probabilities to ask node-llama-cpp for; 0: all, which a sum or a mask needs. It cannot
 *   leave out the end of a vocabulary
 */
export function logitsAsked(
  { top, vocabularySize, logSumExp }: ReadRequest,
  size: number,
  mask?: Mask,
): number {
  if (logSumExp || mask || top === 0) return 0;
  return top + Math.max(0, size - (vocabularySize ?? size));
}

/**
 * Turns probabilities of node-llama-cpp (float32, largest first) into logits. If the map holds the whole vocabulary, the
 * logits are log-probabilities, and their log-sum-exp is 0. Tokens that underflowed are left out. Those that a mask allows
 * count as the smallest float32 number instead, since they may be the only ones.
 */
export function topLogits(
  probabilities: ReadonlyMap<number, number>,
  { top, vocabularySize = Infinity, logSumExp }: ReadRequest,
  mask?: Mask,
): TopLogits {
  for (const probability of probabilities.values())
    if (!Number.isFinite(probability))
      throw new Error('The model computed probabilities that are no numbers; its file may be damaged');
  const tokens = Int32Array.from(probabilities.keys()).filter((token) => token < vocabularySize);
  const chosen = mask
    ? largestAllowed((count) => tokens.subarray(0, count), tokens.length, top, mask)
    : tokens.subarray(0, top || tokens.length);
  const entries = Array.from(chosen, (token) => {
    const probability = probabilities.get(token)!;
    return { token, logit: Math.log(mask ? Math.max(probability, SMALLEST) : probability) };
  })
    .filter(({ logit }) => logit > -Infinity)
    .sort((a, b) => b.logit - a.logit || a.token - b.token);
  return {
    tokens: Int32Array.from(entries, ({ token }) => token),
    logits: Float64Array.from(entries, ({ logit }) => logit),
    logSumExp: logSumExp ? 0 : undefined,
  };
}
