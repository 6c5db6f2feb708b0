import type { LogProb, TokenId, TopLogits } from '../types.js';

/** Log-probability at temperature 1 with nothing cut; undefined where the whole vocabulary was not summed. */
export function rawLogProb({ tokens, logits, logSumExp }: TopLogits, token: TokenId): LogProb | undefined {
  return logSumExp === undefined ? undefined : logits[tokens.indexOf(token)]! - logSumExp;
}
