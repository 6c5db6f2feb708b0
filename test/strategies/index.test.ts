import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../src/generation/settings.js';
import { STRATEGY_NAMES, sequencesOf } from '../../src/strategies/index.js';

describe('strategies', () => {
  it('say how many branches they have at once in the cache of each model', () => {
    const all = STRATEGY_NAMES.map((strategy) => [
      strategy,
      sequencesOf(parseSettings({ strategy, beamWidth: 3 })),
    ]);
    expect(Object.fromEntries(all)).toEqual({
      mtad: { target: 1, draft: 3 },
      speculative: { target: 1, draft: 1 },
      autoregressive: { target: 1, draft: 0 },
    });
  });
});
