import { chainDrafter } from '../drafting/chain.js';
import type { DraftSource } from '../drafting/drafter.js';
import { lookupDrafter } from '../drafting/lookup.js';
import { samplingTruncation } from '../math/sampling-settings.js';
import { acceptExact } from '../rules/exact.js';
import { nextTokens, type Recipe } from './recipe.js';

export interface SpeculativeOptions {
  readonly draftLength: number; // tokens guessed per step, >= 1
  readonly draftFrom: DraftSource;
}

/** Speculative sampling: a chain of guesses, judged token by token. The text is distributed as the target's. */
export const speculative: Recipe<SpeculativeOptions> = {
  sequences: ({ draftFrom }) => ({ target: 1, draft: draftFrom === 'lookup' ? 0 : 1 }),
  create({ draftLength, draftFrom }, { sampling, isEnd, draft }) {
    const truncation = samplingTruncation(sampling);
    return {
      truncation,
      draft:
        draftFrom === 'lookup'
          ? lookupDrafter({ gamma: draftLength, isEnd })
          : chainDrafter(nextTokens(draft, truncation), { gamma: draftLength, isEnd }),
      accept: acceptExact,
    };
  },
};
