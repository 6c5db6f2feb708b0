import { likeliestLeaf, pathsTo, pathTo } from '../../src/math/draft-tree.js';
import { acceptJoint } from '../../src/rules/joint.js';
import { type Distribution, type Draft, ROOT } from '../../src/types.js';

/** The likeliest beam of a draft as a draft of its own, and the distributions that judge it. */
export function likeliestBeam(draft: Draft, p: readonly Distribution[]) {
  const leaf = likeliestLeaf(draft);
  return {
    draft: pathsTo(draft, [leaf]),
    p: [ROOT, ...pathTo(draft, leaf)].map((node) => p[node + 1]!),
  };
}

/** How many tokens of the likeliest beam the rule for one beam accepts. */
export function acceptedByMtad(draft: Draft, p: readonly Distribution[], threshold: number): number {
  const beam = likeliestBeam(draft, p);
  return acceptJoint(beam.draft, beam.p, { tau: threshold, clip: false });
}
