import { beamDrafter } from '../drafting/beams.js';
import { logProbOf } from '../math/distribution.js';
import { choose } from '../math/sample.js';
import { likelihoodTruncation } from '../math/sampling-settings.js';
import { nextTokens, type StrategyDefinition } from './definition.js';

/**
 * Multi-token joint decoding (Qin et al. 2025), the ideal that MTAD approximates: gamma tokens at once from their
 * joint distribution under the target. Drawing from it exactly takes time exponential in gamma; here it is the
 * likeliest of the target's own beams. Slow by design: gamma + 1 passes of the target for gamma tokens.
 */
export const mtjd: StrategyDefinition<'draftLength' | 'beamWidth'> = {
  name: 'mtjd',
  help: 'joint, the target alone: slow',
  heeds: ['draftLength', 'beamWidth'],
  isLossless: false,
  drafts: 'chain',
  mayRefuse: false,
  benchmark: 'baseline',
  look: { color: '#cc79a7', darkColor: '#cc79a7', mark: 'diamond' },
  sequences: ({ beamWidth }) => ({ target: beamWidth, draft: 0 }),
  create({ draftLength, beamWidth }, { sampling, isEnd, target }) {
    const greedy = sampling.temperature === 0;
    const truncation = likelihoodTruncation(sampling);
    return {
      truncation,
      draft: beamDrafter(nextTokens(target, truncation), { gamma: draftLength, beamWidth, greedy, isEnd }),
      accept: (draft, p, rng) => {
        // Rounding differs from pass to pass: a token that was just likely enough to be drafted may now be cut off.
        const lost = draft.findIndex(({ token }, i) => logProbOf(p[i]!, token) === -Infinity);
        const n = lost === -1 ? draft.length : lost;
        const isWhole = n === draft.length && n > 0; // of an empty draft there is room for `next` alone
        return {
          accepted: [...draft.keys()].slice(0, n),
          next: isWhole ? undefined : choose(p[n]!, sampling, rng),
        };
      },
    };
  },
};
