import type { Strategy } from '../decoding/strategy.js';
import { chainDrafter } from '../drafting/chain.js';
import { samplingTruncation } from '../sampling/settings.js';
import { acceptExact } from '../verification/exact.js';
import { draftModel, type StrategyContext } from './context.js';

export interface SpeculativeOptions {
  readonly strategy: 'speculative';
  readonly gamma: number; // tokens guessed per step, >= 1
}

/** Speculative sampling: a drawn chain, judged token by token. The text is distributed as the target's. */
export function speculative({ gamma }: SpeculativeOptions, context: StrategyContext): Strategy {
  const truncation = samplingTruncation(context.sampling);
  const next = draftModel(context, truncation);
  return {
    name: 'speculative',
    truncation,
    draft: chainDrafter(next, { gamma, isEnd: context.isEnd }),
    accept: acceptExact,
  };
}
