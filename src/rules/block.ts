import { logProbOf } from '../math/distribution.js';
import { residual, residualMass } from '../math/residual.js';
import { sample } from '../math/sample.js';
import type { Distribution, Draft, LogProb, Rng, Verdict } from '../types.js';

/**
 * Block verification (Sun et al. 2024, algorithm 2). The text is distributed exactly as the target's, and no rule with this
 * property accepts more tokens on average. For each token, a coin decides whether the block up to it passes. The longest
 * block that passes is kept, even if shorter blocks fail. A coin that equals the limit fails (in the paper it passes), so
 * that a coin of 0 never accepts an impossible token.
 *
 * @param draft a chain x_1..x_n
 * @param p target distributions p_1..p_{n+1}, where p[i] judges draft[i]
 */
export function acceptBlock(draft: Draft, p: readonly Distribution[], rng: Rng): Verdict {
  const blocks = blocksOf(draft, p);
  const kept = keptOf(blocks, rng);
  const refused = draft[kept];
  const rest = refused ? residual(p[kept]!, refused.q, blocks[kept - 1]?.logA ?? 0) : p[kept]!;
  return { accepted: [...draft.keys()].slice(0, kept), next: sample(rest, rng()) };
}

/** The first guesses of a chain. */
export interface Block {
  /** log a_i, a_i = min(1, a_{i-1} p_i(x_i) / q_i(x_i)). */
  readonly logA: LogProb;
  /** h_i, the probability that the block passes: a_i for the whole draft, else Z_i / (Z_i + 1 - a_i). */
  readonly passing: number;
}

/** Returns the block of the first 1, 2, … guesses. */
export function blocksOf(draft: Draft, p: readonly Distribution[]): Block[] {
  let logA: LogProb = 0;
  return draft.map(({ token, q }, i) => {
    logA = Math.min(0, logA + logProbOf(p[i]!, token) - logProbOf(q, token));
    return { logA, passing: passing(logA, p[i + 1]!, draft[i + 1]?.q) };
  });
}

/** Returns the number of guesses of the longest block that passes. */
export function keptOf(blocks: readonly Pick<Block, 'passing'>[], rng: Rng): number {
  let kept = 0;
  for (const [i, { passing }] of blocks.entries()) if (rng() < passing) kept = i + 1;
  return kept;
}

function passing(logA: LogProb, p: Distribution, q: Distribution | undefined): number {
  if (!q) return Math.exp(logA);
  const z = residualMass(p, q, logA);
  const refused = -Math.expm1(logA); // 1 - a_i
  return z + refused === 0 ? 1 : z / (z + refused);
}
