import type { Strategy } from '../decoding/strategy.js';
import { samplingTruncation } from '../sampling/settings.js';
import { acceptExact } from '../verification/exact.js';
import type { StrategyContext } from './context.js';

export interface AutoregressiveOptions {
  readonly strategy: 'autoregressive';
}

/** One token per pass of the target model: nothing is guessed, so only `next` is left. */
export function autoregressive(_options: AutoregressiveOptions, { sampling }: StrategyContext): Strategy {
  return {
    name: 'autoregressive',
    truncation: samplingTruncation(sampling),
    draft: async () => [],
    accept: acceptExact,
  };
}
