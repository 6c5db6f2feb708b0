import { beamDrafter } from '../drafting/beams.js';
import { likelihoodTruncation } from '../math/sampling-settings.js';
import { acceptOwn } from '../rules/own.js';
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
  sequences: ({ beamWidth }) => ({ target: beamWidth, draft: 0, targetDrafts: true }),
  create(_settings, { sampling, length, beamWidth, isEnd, target }) {
    const greedy = sampling.temperature === 0;
    const truncation = likelihoodTruncation(sampling);
    return {
      truncation,
      draft: beamDrafter(nextTokens(target, truncation), { length, beamWidth, greedy, isEnd }),
      accept: (draft, p, rng) => acceptOwn(draft, p, sampling, rng),
    };
  },
};
