import type { ModelCache } from '../decoding/model-cache.js';
import type { Strategy } from '../decoding/strategy.js';
import type { NextTokens } from '../drafting/drafter.js';
import type { SamplingSettings } from '../math/sampling-settings.js';
import type { Truncation } from '../math/truncate.js';
import type { TokenId } from '../types.js';

/** How a strategy is made from its own options. */
export interface Recipe<Options> {
  sequences(options: Options): Sequences;
  create(options: Options, context: StrategyContext): Strategy;
}

/** Branches that a strategy has at once in the cache of each model. */
export interface Sequences {
  readonly target: number; // >= 1
  readonly draft: number; // 0 = no draft model is needed
}

/** What a strategy is made from besides its own options. */
export interface StrategyContext {
  readonly sampling: SamplingSettings;
  readonly isEnd: (token: TokenId) => boolean;
  readonly target: ModelCache;
  /** The draft model's cache; absent where the strategy said that it needs none. */
  readonly draft?: ModelCache | undefined;
}

/** A model as a drafter sees it: distributions under the strategy's truncation. */
export function nextTokens(model: ModelCache | undefined, truncation: Truncation): NextTokens {
  if (!model) throw new Error('This strategy needs a draft model, and none is loaded');
  return (prefix, tree, nodes) => model.distributions(prefix, tree, nodes, truncation);
}
