import type { Strategy } from '../decoding/strategy.js';
import { type AutoregressiveOptions, autoregressive } from './autoregressive.js';
import type { StrategyContext } from './context.js';
import { type MtadOptions, mtad } from './mtad.js';
import { type SpeculativeOptions, speculative } from './speculative.js';

export type StrategyOptions = AutoregressiveOptions | SpeculativeOptions | MtadOptions;
export type StrategyName = StrategyOptions['strategy'];

export const STRATEGY_NAMES = ['autoregressive', 'speculative', 'mtad'] as const satisfies StrategyName[];

export function createStrategy(options: StrategyOptions, context: StrategyContext): Strategy {
  switch (options.strategy) {
    case 'autoregressive':
      return autoregressive(options, context);
    case 'speculative':
      return speculative(options, context);
    case 'mtad':
      return mtad(options, context);
  }
}

/** How many branches a strategy's draft grows at once: the sequences its draft model's cache needs. 0 = no draft. */
export function draftSequences(options: StrategyOptions): number {
  switch (options.strategy) {
    case 'autoregressive':
      return 0;
    case 'speculative':
      return 1;
    case 'mtad':
      return options.beamWidth;
  }
}
