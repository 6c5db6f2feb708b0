import { chainDrafter } from '../drafting/chain.js';
import { samplingTruncation } from '../sampling/settings.js';
import { acceptExact } from '../verification/exact.js';
import { nextTokens, type Recipe } from './recipe.js';

export interface SpeculativeOptions {
  readonly gamma: number; // tokens guessed per step, >= 1
}

/** Speculative sampling: a drawn chain, judged token by token. The text is distributed as the target's. */
export const speculative: Recipe<SpeculativeOptions> = {
  sequences: () => ({ target: 1, draft: 1 }),
  create({ gamma }, { sampling, isEnd, draft }) {
    const truncation = samplingTruncation(sampling);
    return {
      truncation,
      draft: chainDrafter(nextTokens(draft, truncation), { gamma, isEnd }),
      accept: acceptExact,
    };
  },
};
