import type { Distribution, DraftNode, Rng, TokenId } from '../../src/types.js';

/** The distribution in which token i has probability `weights[i]` of their sum; weight 0 means cut off. */
export function fakeDistribution(...weights: number[]): Distribution {
  const total = weights.reduce((a, b) => a + b, 0);
  const kept = [...weights.entries()].filter(([, weight]) => weight > 0);
  kept.sort(([a, weightA], [b, weightB]) => weightB - weightA || a - b);
  return {
    tokens: Int32Array.from(kept, ([token]) => token),
    logProbs: Float64Array.from(kept, ([, weight]) => Math.log(weight / total)),
  };
}

/** Each token keeps some probability with a chance of 3 in 4; there is always one that does. */
export function randomDistribution(rng: Rng, size = 6): Distribution {
  const weights = Array.from({ length: size }, () => (rng() < 0.25 ? 0 : rng() + 0.01));
  weights[Math.floor(rng() * size)]! += 0.1;
  return fakeDistribution(...weights);
}

/** Probability of every token below `size`. */
export function probabilities({ tokens, logProbs }: Distribution, size: number): number[] {
  const all = new Array<number>(size).fill(0);
  tokens.forEach((token, i) => {
    all[token] = Math.exp(logProbs[i]!);
  });
  return all;
}

/** A draft without branches. */
export function fakeChain(...links: [token: TokenId, q: Distribution][]): DraftNode[] {
  return links.map(([token, q], i) => ({ token, q, parent: i - 1 }));
}
