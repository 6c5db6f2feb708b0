import type { TopLogits } from '../../types.js';
import type { ReadRequest } from '../engine.js';

/**
 * Probabilities as node-llama-cpp returns them (float32, largest first) as logits. With the whole vocabulary
 * in the map the logits are log-probabilities, so their log-sum-exp is 0. Tokens that underflowed are left out.
 */
export function topLogits(probabilities: ReadonlyMap<number, number>, read: ReadRequest): TopLogits {
  const limit = read.top === 0 ? probabilities.size : read.top;
  const entries: { token: number; logit: number }[] = [];
  for (const [token, probability] of probabilities) {
    if (!Number.isFinite(probability))
      throw new Error('The model computed probabilities that are no numbers; its file may be damaged');
    if (entries.length === limit || probability === 0) break;
    entries.push({ token, logit: Math.log(probability) });
  }
  entries.sort((a, b) => b.logit - a.logit || a.token - b.token);
  return {
    tokens: Int32Array.from(entries, ({ token }) => token),
    logits: Float64Array.from(entries, ({ logit }) => logit),
    logSumExp: read.logSumExp ? 0 : undefined,
  };
}
