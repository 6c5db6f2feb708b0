import type { ModelCache } from '../cache/model-cache.js';
import type { NextTokens } from '../drafting/drafter.js';
import type { SamplingSettings } from '../sampling/settings.js';
import type { Truncation } from '../sampling/truncate.js';
import type { TokenId } from '../types.js';

/** What a strategy is made from besides its own options. */
export interface StrategyContext {
  readonly sampling: SamplingSettings;
  readonly isEnd: (token: TokenId) => boolean;
  /** The draft model's cache; absent where the strategy said that it needs none. */
  readonly draft?: ModelCache | undefined;
}

/** The draft model as its drafter sees it: distributions under the strategy's truncation. */
export function draftModel({ draft }: StrategyContext, truncation: Truncation): NextTokens {
  if (!draft) throw new Error('This strategy needs a draft model, and none is loaded');
  return (prefix, tree, nodes) => draft.distributions(prefix, tree, nodes, truncation);
}
