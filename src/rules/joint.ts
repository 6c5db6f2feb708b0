import { logProbOf } from '../math/distribution.js';
import type { Distribution, Draft } from '../types.js';

export interface JointRule {
  /** (0, 1]: accept while the joint likelihood is at least tau times the draft's. */
  readonly tau: number;
  /** Never let a token raise the ratio above 1, so that one lucky token cannot pay for later bad ones. */
  readonly clip: boolean;
}

/**
 * The length of the longest prefix of the draft that passes P_j - Q_j >= ln tau, where P_j and Q_j are the
 * joint log-likelihoods of its first j tokens under target and draft. Shorter prefixes may fail; no coin is
 * tossed. Qin et al. 2025, algorithm 2 and equation 5, with >= for >, so that tau = 1 means P_j >= Q_j.
 *
 * @param draft a chain x_1..x_n
 * @param p target distributions p_1..p_{n+1}, p[i] the one that judges draft[i]
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
