import type { Distribution } from '../types.js';
import { logProbOf, normalise } from './distribution.js';

/**
 * norm(max(0, p - q)): what is left of the target once the draft has had its share.
 * Leviathan et al. 2023, equation 1. Where rounding leaves nothing, p itself.
 */
export function residual(p: Distribution, q: Distribution): Distribution {
  const rest = Array.from(p.tokens, (token, i) => ({
    token,
    weight: Math.exp(p.logProbs[i]!) - Math.exp(logProbOf(q, token)),
  }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight || a.token - b.token);
  if (rest.length === 0) return p;
  return normalise(
    Int32Array.from(rest, ({ token }) => token),
    Float64Array.from(rest, ({ weight }) => Math.log(weight)),
  );
}
