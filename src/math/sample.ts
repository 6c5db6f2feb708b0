import type { Distribution, Rng, TokenId } from '../types.js';
import { argmax } from './distribution.js';
import type { SamplingSettings } from './sampling-settings.js';

/**
 * Returns the token at quantile `coin` of the distribution. `coin` is uniform in [0, 1).
 * @throws Error where the distribution is empty
 */
export function sample({ tokens, logProbs }: Distribution, coin: number): TokenId {
  refuseDeadEnd(tokens);
  let mass = 0;
  for (let i = 0; i < tokens.length; i++) {
    mass += Math.exp(logProbs[i]!);
    if (coin < mass) return tokens[i]!;
  }
  return tokens[tokens.length - 1]!; // rounding left the total just below 1
}

/**
 * Returns the target's own token for rules that compare likelihoods: the most likely token at temperature 0, else a sample.
 * @throws Error where there is no token to choose
 */
export function choose(
  distribution: Distribution,
  { temperature }: Pick<SamplingSettings, 'temperature'>,
  rng: Rng,
): TokenId {
  refuseDeadEnd(distribution.tokens);
  return temperature === 0 ? argmax(distribution) : sample(distribution, rng());
}

/** Refuses an empty distribution: a constraint may lead to a place where it allows no token of the vocabulary. */
function refuseDeadEnd(tokens: Int32Array): void {
  if (tokens.length === 0)
    throw new Error(
      'No token of this vocabulary can go on here: the grammar asks for what the model cannot write',
    );
}
