import { chainDrafter } from '../drafting/chain.js';
import { takesPasses } from '../drafting/drafter.js';
import { lookupDrafter } from '../drafting/lookup.js';
import { samplingTruncation } from '../math/sampling-settings.js';
import { acceptExact } from '../rules/exact.js';
import {
  chained,
  guessedTokens,
  SOURCE_SETTINGS,
  type SourceSetting,
  type StrategyDefinition,
} from './definition.js';

/** Speculative sampling: a chain of guesses, judged token by token. The text is distributed as the target's. */
export const speculative: StrategyDefinition<'draftLength' | SourceSetting> = {
  name: 'speculative',
  help: 'as the target alone would write',
  heeds: ['draftLength', ...SOURCE_SETTINGS],
  isLossless: true,
  drafts: 'chain',
  mayRefuse: true,
  benchmark: 'contender',
  look: { color: '#009e73', darkColor: '#12b886', mark: 'wedge' },
  sequences: ({ draftFrom }) => ({ target: 1, draft: takesPasses(draftFrom) ? 1 : 0 }),
  create(settings, context) {
    const { draftFrom } = settings;
    const { sampling, length, isEnd, passages } = context;
    const truncation = samplingTruncation(sampling);
    const draft =
      draftFrom === 'lookup'
        ? lookupDrafter({ length, isEnd }, passages)
        : chainDrafter(guessedTokens(draftFrom, context, truncation), { length, isEnd });
    return {
      truncation,
      draft: chained(draft, settings, context, truncation, speculative),
      accept: acceptExact,
    };
  },
};
