import { beamDrafter } from '../drafting/beams.js';
import { takesPasses } from '../drafting/drafter.js';
import { lookupDrafter } from '../drafting/lookup.js';
import { likelihoodTruncation } from '../math/sampling-settings.js';
import { acceptJoint } from '../rules/joint.js';
import {
  acceptBy,
  chained,
  type Decide,
  guessedTokens,
  SOURCE_SETTINGS,
  type SourceSetting,
  type StrategyDefinition,
} from './definition.js';

const decide: Decide<'threshold' | 'clip'> = (draft, p, { threshold, clip }) =>
  [...draft.keys()].slice(0, acceptJoint(draft, p, { tau: threshold, clip }));

/**
 * Multi-token assisted decoding (Qin et al. 2025, algorithm 2): a beam-sampled chain, judged by the joint
 * likelihood of its prefixes. Seeks likelier blocks than the target alone would sample; not lossless.
 */
export const mtad: StrategyDefinition<'draftLength' | 'beamWidth' | 'threshold' | 'clip' | SourceSetting> = {
  name: 'mtad',
  help: 'joint',
  heeds: ['draftLength', 'beamWidth', 'threshold', 'clip', ...SOURCE_SETTINGS],
  isLossless: false,
  drafts: 'chain',
  mayRefuse: true,
  benchmark: 'contender',
  look: { color: '#0072b2', darkColor: '#4ba3e3', mark: 'circle' },
  sequences: ({ beamWidth, draftFrom }) => ({ target: 1, draft: takesPasses(draftFrom) ? beamWidth : 0 }),
  create(settings, context) {
    const { draftFrom } = settings;
    const { sampling, length, beamWidth, isEnd, passages } = context;
    const greedy = sampling.temperature === 0;
    const truncation = likelihoodTruncation(sampling);
    const draft =
      draftFrom === 'lookup'
        ? lookupDrafter({ length, isEnd }, passages)
        : beamDrafter(guessedTokens(draftFrom, context, truncation), { length, beamWidth, greedy, isEnd });
    return {
      truncation,
      draft: chained(draft, settings, context, truncation, mtad),
      accept: acceptBy(decide, settings, context),
    };
  },
  decide,
};
