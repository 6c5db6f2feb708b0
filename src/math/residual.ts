import type { Distribution, LogProb, TokenId } from '../types.js';
import { normalise } from './distribution.js';

/**
 * Returns norm(max(0, s p - q)), the target's distribution without the draft's share; p itself where rounding leaves nothing
 * (Leviathan et al. 2023, equation 1, where s is 1; Sun et al. 2024, algorithm 2).
 *
 * @param logScale log s, at most 0
 */
export function residual(p: Distribution, q: Distribution, logScale: LogProb = 0): Distribution {
  const rest = weightsLeft(p, q, logScale).sort((a, b) => b.weight - a.weight || a.token - b.token);
  if (rest.length === 0) return p;
  return normalise(
    Int32Array.from(rest, ({ token }) => token),
    Float64Array.from(rest, ({ weight }) => Math.log(weight)),
  );
}

/** Returns the sum of max(0, s p - q) over all tokens: [0..1]. */
export function residualMass(p: Distribution, q: Distribution, logScale: LogProb): number {
  return weightsLeft(p, q, logScale).reduce((sum, { weight }) => sum + weight, 0);
}

function weightsLeft(
  p: Distribution,
  q: Distribution,
  logScale: LogProb,
): { token: TokenId; weight: number }[] {
  const share = new Map(Array.from(q.tokens, (token, i) => [token, Math.exp(q.logProbs[i]!)]));
  return Array.from(p.tokens, (token, i) => ({
    token,
    weight: Math.exp(logScale + p.logProbs[i]!) - (share.get(token) ?? 0),
  })).filter(({ weight }) => weight > 0);
}
