import type { Step } from '../../src/decoding/decode.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import type { TokenId } from '../../src/types.js';
import { UNCUT } from '../support/fake-model.js';

/** What the loop is tried with: its laws hold for every strategy. */
export const AUTOREGRESSIVE: StrategyOptions = { strategy: 'autoregressive' };
export const SPECULATIVE: StrategyOptions = { strategy: 'speculative', gamma: 3 };
export const MTAD: StrategyOptions = { strategy: 'mtad', gamma: 3, beamWidth: 2, tau: 0.5, clip: false };
export const STRATEGIES = [AUTOREGRESSIVE, SPECULATIVE, MTAD];

export const GREEDY = { ...UNCUT, temperature: 0 };

export const emittedOf = (steps: readonly Step[]): TokenId[] => steps.flatMap(({ emitted }) => emitted);
