import type { Mask, TopLogits } from '../../types.js';
import { largestAllowed } from '../llama/largest-allowed.js';
import type { ReadRequest } from '../port.js';

/** The smallest probability above 0 that float32 has. */
const SMALLEST = 2 ** -149;

/**
 * How many of the largest probabilities node-llama-cpp is asked for; 0 = all, as it takes to know their sum or what a mask
 * leaves. It cannot leave out the end of a vocabulary.
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
 * Probabilities as node-llama-cpp returns them (float32, largest first) as logits. With the whole vocabulary
 * in the map the logits are log-probabilities, so their log-sum-exp is 0. Tokens that underflowed are left out; those
 * that a mask allows count as the smallest number there is, since they may be all that is left.
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
