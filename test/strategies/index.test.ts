import { describe, expect, it } from 'vitest';
import { strategyOptions } from '../../src/generation/draft-length.js';
import { parseSettings } from '../../src/generation/parse-settings.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { STRATEGY_NAMES, sequencesOf } from '../../src/strategies/index.js';

const sequences = (input: SettingsInput) =>
  sequencesOf(strategyOptions(parseSettings({ beamWidth: 3, ...input })));

describe('strategies', () => {
  it('say how many branches they have at once in the cache of each model', () => {
    const all = STRATEGY_NAMES.map((strategy) => [strategy, sequences({ strategy })]);
    expect(Object.fromEntries(all)).toEqual({
      mtad: { target: 1, draft: 3 },
      mmtad: { target: 3, draft: 3 },
      speculative: { target: 1, draft: 1 },
      block: { target: 1, draft: 1 },
      autoregressive: { target: 1, draft: 0 },
      mtjd: { target: 3, draft: 0, targetDrafts: true },
    });
  });

  it.each(STRATEGY_NAMES.filter((strategy) => strategy !== 'mmtad'))(
    'need no draft model to look up: %s',
    (strategy) => {
      expect(sequences({ strategy, draftFrom: 'lookup' }).draft).toBe(0);
    },
  );
});
