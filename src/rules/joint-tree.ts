import { logProbOf } from '../math/distribution.js';
import { depthsOf, jointLogQ, likeliestLeaf, pathTo, sumsAlongPaths } from '../math/draft-tree.js';
import { type Distribution, type Draft, type NodeIndex, ROOT } from '../types.js';

/**
 * The path to the deepest node that passes P(node) - Q*_d >= ln tau, where P(node) is the joint log-likelihood of
 * the d tokens on the path to it under the target, and Q*_d that of the first d tokens of the likeliest beam under
 * the draft model; among equally deep nodes the one of the largest P, first among equals. A node deeper than the
 * likeliest beam, which may have ended early, has nothing to be compared with and does not pass.
 * Qin et al. 2025, the multi-candidate extension. The likeliest beam is what `acceptJoint` judges: no shorter block
 * is accepted here than there.
 *
 * @param draft any tree
 * @param p target distributions: p[0] after the prefix, p[i + 1] after draft[i]
 * @returns nodes from the root down: [0..gamma]
 */
export function acceptJointTree(
  draft: Draft,
  p: readonly Distribution[],
  { tau }: { readonly tau: number }, // (0, 1]
): NodeIndex[] {
  const threshold = Math.log(tau);
  const depths = depthsOf(draft);
  const logP = sumsAlongPaths(draft, ({ token, parent }) => logProbOf(p[parent + 1]!, token));
  const logQ = jointLogQ(draft);
  const reference = pathTo(draft, likeliestLeaf(draft)).map((node) => logQ[node]!); // [d - 1]

  const better = (a: NodeIndex, b: NodeIndex) =>
    depths[a]! > depths[b]! || (depths[a] === depths[b] && logP[a]! > logP[b]!);
  let best = ROOT;
  for (const node of draft.keys()) {
    const passes = logP[node]! - (reference[depths[node]! - 1] ?? Infinity) >= threshold;
    if (passes && (best === ROOT || better(node, best))) best = node;
  }
  return pathTo(draft, best);
}
