import type { LogProb, TokenId, TopLogits } from '../types.js';

/**
 * Returns the log-probability at temperature 1 with nothing cut; undefined where the row has no log-sum-exp.
 * @throws RangeError for a token that was not read
 */
export function rawLogProb({ tokens, logits, logSumExp }: TopLogits, token: TokenId): LogProb | undefined {
  if (logSumExp === undefined) return undefined;
  const logit = logits[tokens.indexOf(token)];
  if (logit === undefined)
    throw new RangeError(`Token ${token} is not among the ${tokens.length} that were read`);
  return logit - logSumExp;
}
