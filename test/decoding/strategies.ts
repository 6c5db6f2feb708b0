import type { Step } from '../../src/decoding/loop.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import type { TokenId } from '../../src/types.js';
import { UNCUT } from '../support/fake-model.js';

/** What the loop is tried with: its laws hold for every strategy. */
export const AUTOREGRESSIVE: StrategyOptions = { strategy: 'autoregressive' };
export const SPECULATIVE: StrategyOptions = { strategy: 'speculative', draftLength: 3, draftFrom: 'model' };
export const MTAD: StrategyOptions = {
  strategy: 'mtad',
  draftLength: 3,
  beamWidth: 2,
  threshold: 0.5,
  clip: false,
  draftFrom: 'model',
};
export const MMTAD: StrategyOptions = {
  strategy: 'mmtad',
  draftFrom: 'model',
  draftLength: 3,
  beamWidth: 2,
  threshold: 0.5,
};
export const MTJD: StrategyOptions = { strategy: 'mtjd', draftLength: 3, beamWidth: 2 };

/** Those that judge one chain in one pass of the target. */
export const CHAINS = [AUTOREGRESSIVE, SPECULATIVE, MTAD];

/** The same, one that judges a tree, and one that has no next token and drafts with the target. */
export const STRATEGIES = [...CHAINS, MMTAD, MTJD];

export const GREEDY = { ...UNCUT, temperature: 0 };

export const emittedOf = (steps: readonly Step[]): TokenId[] => steps.flatMap(({ emitted }) => emitted);
