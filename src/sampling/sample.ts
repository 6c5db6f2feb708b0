import type { Distribution, TokenId } from '../types.js';

/** The token at quantile `coin` of the distribution; `coin` is uniform in [0, 1). */
export function sample({ tokens, logProbs }: Distribution, coin: number): TokenId {
  let mass = 0;
  for (let i = 0; i < tokens.length; i++) {
    mass += Math.exp(logProbs[i]!);
    if (coin < mass) return tokens[i]!;
  }
  return tokens[tokens.length - 1]!; // rounding left the total a hair below 1
}
