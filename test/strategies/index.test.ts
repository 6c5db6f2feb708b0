import { describe, expect, it } from 'vitest';
import { draftSequences, STRATEGY_NAMES, type StrategyOptions } from '../../src/strategies/index.js';

/** One of each: a strategy that is missing here does not compile. */
const OPTIONS: { [Name in StrategyOptions['strategy']]: StrategyOptions & { strategy: Name } } = {
  autoregressive: { strategy: 'autoregressive' },
  speculative: { strategy: 'speculative', gamma: 4 },
  mtad: { strategy: 'mtad', gamma: 4, beamWidth: 3, tau: 0.5, clip: false },
};

describe('strategies', () => {
  it('are all listed by name', () => {
    expect([...STRATEGY_NAMES].sort()).toEqual(Object.keys(OPTIONS).sort());
  });

  it('need as many branches of the draft model as they grow at once', () => {
    expect(STRATEGY_NAMES.map((name) => draftSequences(OPTIONS[name]))).toEqual([0, 1, 3]);
  });
});
