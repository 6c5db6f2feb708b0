/** Functions of the shape of a draft, which the parents of its nodes determine. */

import { type Draft, type DraftNode, type LogProb, type NodeIndex, ROOT } from '../types.js';
import { logProbOf } from './distribution.js';

/** Returns the nodes from the root down to this node, which is included; none for ROOT. */
export function pathTo(draft: Draft, node: NodeIndex): NodeIndex[] {
  const path: NodeIndex[] = [];
  for (let n = node; n !== ROOT; n = draft[n]!.parent) path.unshift(n);
  return path;
}

/** Returns, for each node, the sum of `value` over the path to it. */
export function sumsAlongPaths(draft: Draft, value: (node: DraftNode) => number): number[] {
  const sums: number[] = [];
  for (const node of draft) sums.push((sums[node.parent] ?? 0) + value(node));
  return sums;
}

/** Returns, for each node, the length of the path to it: [1..gamma]. */
export function depthsOf(draft: Draft): number[] {
  return sumsAlongPaths(draft, () => 1);
}

/** Returns, for each node, the joint log-probability of the path to it under the draft model. */
export function jointLogQ(draft: Draft): LogProb[] {
  return sumsAlongPaths(draft, ({ token, q }) => logProbOf(q, token));
}

/**
 * Returns the leaf with the largest joint log-probability under the draft model, the first among equals; ROOT for no draft.
 * A tail stands behind that leaf: its end is the answer, however much less likely the path is with it.
 * @param logQ of `jointLogQ`, where it is known
 */
export function likeliestLeaf(draft: Draft, logQ: readonly LogProb[] = jointLogQ(draft)): NodeIndex {
  if (draft.at(-1)?.isTail) return draft.length - 1;
  const parents = new Set(draft.map(({ parent }) => parent));
  const leaves = [...draft.keys()].filter((node) => !parents.has(node));
  return leaves.reduce((best, leaf) => (best === ROOT || logQ[leaf]! > logQ[best]! ? leaf : best), ROOT);
}

/** Returns the paths to these nodes as a draft. Shared nodes occur once, in the same order as before. */
export function pathsTo(draft: Draft, ends: readonly NodeIndex[]): Draft {
  const kept = [...new Set(ends.flatMap((end) => pathTo(draft, end)))].sort((a, b) => a - b);
  const renumbered = new Map([ROOT, ...kept].map((node, i) => [node, i - 1]));
  return kept.map((node) => ({ ...draft[node]!, parent: renumbered.get(draft[node]!.parent)! }));
}
