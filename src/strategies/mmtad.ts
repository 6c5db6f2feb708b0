import { beamTreeDrafter } from '../drafting/beams.js';
import { choose } from '../math/sample.js';
import { likelihoodTruncation } from '../math/sampling-settings.js';
import { acceptJointTree } from '../rules/joint-tree.js';
import { ROOT } from '../types.js';
import { nextTokens, type Recipe } from './recipe.js';

export interface MmtadOptions {
  readonly draftLength: number; // tokens guessed per step, >= 1
  readonly beamWidth: number; // beams kept per depth, >= 1
  readonly threshold: number; // acceptance threshold, (0, 1]
}

/**
 * Multi-candidate MTAD (Qin et al. 2025): the target judges all beams in one pass, as a tree, and the longest block of
 * any of them is kept.
 */
export const mmtad: Recipe<MmtadOptions> = {
  sequences: ({ beamWidth }) => ({ target: beamWidth, draft: beamWidth }),
  create({ draftLength, beamWidth, threshold }, { sampling, isEnd, draft }) {
    const greedy = sampling.temperature === 0;
    const truncation = likelihoodTruncation(sampling);
    return {
      truncation,
      draft: beamTreeDrafter(nextTokens(draft, truncation), { gamma: draftLength, beamWidth, greedy, isEnd }),
      accept: (draft, p, rng) => {
        const accepted = acceptJointTree(draft, p, { tau: threshold });
        const last = accepted.at(-1) ?? ROOT;
        return { accepted, next: choose(p[last + 1]!, sampling, rng) };
      },
    };
  },
};
