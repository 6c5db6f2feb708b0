import { logProbOf } from '../math/distribution.js';
import type { Distribution, Draft } from '../types.js';

export interface JointRule {
  /** In (0, 1]. A block passes if its joint likelihood under the target is at least tau times that under the draft model. */
  readonly tau: number;
  /** Whether the ratio is cut to 1 after each token, so that a likely token cannot make up for later unlikely tokens. */
  readonly clip: boolean;
}

/**
 * Returns the length of the longest prefix of the draft that passes P_j - Q_j >= ln tau (Qin et al. 2025, algorithm 2 and
 * equation 5, with >= in place of >, so that tau = 1 means P_j >= Q_j). P_j and Q_j are the joint log-likelihoods of its
 * first j tokens under the target and the draft model. Shorter prefixes may fail. The rule uses no random number.
 *
 * @param draft a chain x_1..x_n
 * @param p target distributions p_1..p_{n+1}, where p[i] judges draft[i]
 * @returns [0..n]
 */
export function acceptJoint(draft: Draft, p: readonly Distribution[], { tau, clip }: JointRule): number {
  const threshold = Math.log(tau);
  let accepted = 0;
  let logRatio = 0; // P_j - Q_j
  for (const [i, { token, q }] of draft.entries()) {
    logRatio += logProbOf(p[i]!, token) - logProbOf(q, token);
    if (clip) logRatio = Math.min(0, logRatio);
    if (logRatio >= threshold) accepted = i + 1;
  }
  return accepted;
}
