import { beamDrafter } from '../drafting/beams.js';
import type { DraftSource } from '../drafting/drafter.js';
import { lookupDrafter } from '../drafting/lookup.js';
import { choose } from '../math/sample.js';
import { likelihoodTruncation } from '../math/sampling-settings.js';
import { acceptJoint } from '../rules/joint.js';
import { nextTokens, type Recipe } from './recipe.js';

export interface MtadOptions {
  readonly draftLength: number; // tokens guessed per step, >= 1
  readonly beamWidth: number; // beams kept per depth, >= 1
  readonly threshold: number; // acceptance threshold, (0, 1]
  readonly clip: boolean; // cap the likelihood ratio at 1 after every token
  readonly draftFrom: DraftSource;
}

/**
 * Multi-token assisted decoding (Qin et al. 2025, algorithm 2): a beam-sampled chain, judged by the joint
 * likelihood of its prefixes. Seeks likelier blocks than the target alone would sample; not lossless.
 */
export const mtad: Recipe<MtadOptions> = {
  sequences: ({ beamWidth, draftFrom }) => ({ target: 1, draft: draftFrom === 'lookup' ? 0 : beamWidth }),
  create({ draftLength, beamWidth, threshold, clip, draftFrom }, { sampling, isEnd, draft }) {
    const greedy = sampling.temperature === 0;
    const truncation = likelihoodTruncation(sampling);
    return {
      truncation,
      draft:
        draftFrom === 'lookup'
          ? lookupDrafter({ gamma: draftLength, isEnd })
          : beamDrafter(nextTokens(draft, truncation), { gamma: draftLength, beamWidth, greedy, isEnd }),
      accept: (draft, p, rng) => {
        const n = acceptJoint(draft, p, { tau: threshold, clip });
        const accepted = [...draft.keys()].slice(0, n);
        return { accepted, next: choose(p[n]!, sampling, rng) };
      },
    };
  },
};
