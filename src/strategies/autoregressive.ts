import { samplingTruncation } from '../math/sampling-settings.js';
import { acceptExact } from '../rules/exact.js';
import type { StrategyDefinition } from './definition.js';

/** One token per pass of the target model: nothing is guessed, so only `next` is left. */
export const autoregressive: StrategyDefinition<never> = {
  name: 'autoregressive',
  help: 'no draft',
  heeds: [],
  isLossless: true,
  drafts: 'nothing',
  mayRefuse: false,
  benchmark: 'contender',
  look: { color: '#1c1f24', darkColor: '#e5e7eb', mark: 'square' },
  sequences: () => ({ target: 1, draft: 0 }),
  create: (_settings, { sampling }) => ({
    truncation: samplingTruncation(sampling),
    draft: async () => [],
    accept: acceptExact,
  }),
};
