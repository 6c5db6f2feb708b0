import { samplingTruncation } from '../math/sampling-settings.js';
import { acceptExact } from '../rules/exact.js';
import type { Recipe } from './recipe.js';

/** One token per pass of the target model: nothing is guessed, so only `next` is left. */
export const autoregressive: Recipe<object> = {
  sequences: () => ({ target: 1, draft: 0 }),
  create: (_options, { sampling }) => ({
    truncation: samplingTruncation(sampling),
    draft: async () => [],
    accept: acceptExact,
  }),
};
