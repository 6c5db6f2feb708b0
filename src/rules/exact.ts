import { logProbOf } from '../math/distribution.js';
import { residual } from '../math/residual.js';
import { sample } from '../math/sample.js';
import type { Distribution, Draft, NodeIndex, Rng, Verdict } from '../types.js';

/**
 * Rejection sampling, token by token (Leviathan et al. 2023, algorithm 1; Chen et al. 2023, algorithm 2). The text is
 * distributed exactly as the target's.
 *
 * @param draft a chain x_1..x_n
 * @param p target distributions p_1..p_{n+1}, where p[i] judges draft[i]
 */
export function acceptExact(draft: Draft, p: readonly Distribution[], rng: Rng): Verdict {
  const accepted: NodeIndex[] = [];
  for (const [i, { token, q }] of draft.entries()) {
    const ratio = Math.exp(logProbOf(p[i]!, token) - logProbOf(q, token));
    if (rng() >= ratio) return { accepted, next: sample(residual(p[i]!, q), rng()) };
    accepted.push(i);
  }
  return { accepted, next: sample(p[draft.length]!, rng()) };
}
