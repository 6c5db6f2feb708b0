import type { Distribution, LogProb, TokenId } from '../types.js';

/** Returns the log-probability of `token`; -Infinity where it was cut off. */
export function logProbOf(distribution: Distribution, token: TokenId): LogProb {
  const index = distribution.tokens.indexOf(token);
  return index === -1 ? -Infinity : distribution.logProbs[index]!;
}

/** Returns the most likely token; among equals the token with the lowest id. */
export function argmax(distribution: Distribution): TokenId {
  return distribution.tokens[0]!;
}

/** Returns a distribution with all probability on one token. */
export function certain(token: TokenId): Distribution {
  return { tokens: Int32Array.of(token), logProbs: Float64Array.of(0) };
}

/** Returns a part of a distribution, in any order. Its tokens can be looked up, but it is not complete enough to draw from. */
export function excerpt(tokens: readonly TokenId[], logProbs: readonly LogProb[]): Distribution {
  return { tokens: Int32Array.from(tokens), logProbs: Float64Array.from(logProbs) };
}

/** Returns the log of the sum of exp(values), without overflow; -Infinity for no values. */
export function logSumExp(values: Float64Array): number {
  let largest = -Infinity;
  for (const value of values) largest = Math.max(largest, value);
  if (largest === -Infinity) return -Infinity;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - largest);
  return largest + Math.log(sum);
}

/** Returns the log-weights, shifted so that their probabilities sum to 1. */
export function normalise(tokens: Int32Array, logWeights: Float64Array): Distribution {
  const total = logSumExp(logWeights);
  const logProbs = new Float64Array(logWeights.length);
  for (let i = 0; i < logProbs.length; i++) logProbs[i] = logWeights[i]! - total;
  return { tokens, logProbs };
}
