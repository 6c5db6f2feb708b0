import { beamTreeDrafter } from '../drafting/beams.js';
import { takesPasses } from '../drafting/drafter.js';
import { likelihoodTruncation } from '../math/sampling-settings.js';
import { acceptJointTree } from '../rules/joint-tree.js';
import {
  acceptBy,
  chained,
  type Decide,
  guessedTokens,
  SOURCE_SETTINGS,
  type SourceSetting,
  type StrategyDefinition,
} from './definition.js';

const decide: Decide<'threshold'> = (draft, p, { threshold }) =>
  acceptJointTree(draft, p, { tau: threshold });

/**
 * Multi-candidate MTAD (Qin et al. 2025): the target judges all beams in one pass, as a tree, and the longest block of
 * any of them is kept.
 */
export const mmtad: StrategyDefinition<'draftLength' | 'beamWidth' | 'threshold' | SourceSetting> = {
  name: 'mmtad',
  help: 'joint, all beams at once',
  heeds: ['draftLength', 'beamWidth', 'threshold', ...SOURCE_SETTINGS],
  isLossless: false,
  drafts: 'tree',
  mayRefuse: true,
  benchmark: 'contender',
  look: { color: '#d55e00', darkColor: '#ee7733', mark: 'triangle' },
  sequences: ({ beamWidth, draftFrom }) => ({
    target: beamWidth,
    draft: takesPasses(draftFrom) ? beamWidth : 0,
  }),
  create(settings, context) {
    const { sampling, length, beamWidth, isEnd } = context;
    const greedy = sampling.temperature === 0;
    const truncation = likelihoodTruncation(sampling);
    const draft = beamTreeDrafter(guessedTokens(settings.draftFrom, context, truncation), {
      length,
      beamWidth,
      greedy,
      isEnd,
    });
    return {
      truncation,
      draft: chained(draft, settings, context, truncation, mmtad),
      accept: acceptBy(decide, settings, context),
    };
  },
  decide,
};
