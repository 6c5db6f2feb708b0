/** What is tried each day in place of all of its kind. */
import type { EngineName } from '../../src/engine/port.js';
import { STRATEGY_NAMES, type StrategyName } from '../../src/strategies/index.js';
import { tries } from './tries.js';

/**
 * The engines under what stands above the port. Each day one is enough: `engine/direct.test.ts` and
 * `engine/bindings.test.ts` hold both to one contract, and `engine/agreement.test.ts` compares what they say.
 */
export const ENGINES = tries<readonly EngineName[]>(['direct'], ['direct', 'bindings']);

/**
 * The strategies in what is no work of theirs, as the end of a text. Each day one of each kind: a chain that is judged token
 * by token, a chain that is judged as a whole, a tree, and no draft at all. mtjd is not there: it is slow by design, and its
 * chains come of the same beams as mtad's. Rules and drafters have their own tests in `strategies/`.
 */
export const KINDS = tries<readonly StrategyName[]>(
  ['autoregressive', 'speculative', 'mtad', 'mmtad'],
  STRATEGY_NAMES,
);
