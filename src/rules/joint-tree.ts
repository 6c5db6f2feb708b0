import { logProbOf } from '../math/distribution.js';
import { depthsOf, jointLogQ, likeliestLeaf, pathTo, sumsAlongPaths } from '../math/draft-tree.js';
import { type Distribution, type Draft, type NodeIndex, ROOT } from '../types.js';

/**
 * Returns the path to the deepest node that passes P(node) - Q*_d >= ln tau (Qin et al. 2025, the multi-candidate
 * extension). P(node) is the joint log-likelihood, under the target, of the d tokens on the path to the node. Q*_d is the
 * joint log-likelihood, under what guessed them, of the first d tokens of the likeliest beam and the tail behind it. Among
 * equally deep nodes the node with the largest P is chosen, and among equals the first.
 *
 * A node deeper than that path, which may have ended early, does not pass. The accepted block is at least as long as the
 * block that `acceptJoint` accepts of that path.
 *
 * @param draft any tree
 * @param p target distributions: p[0] after the prefix, p[i + 1] after draft[i]
 * @returns the nodes from the root down: [0..gamma]
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
