import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { KINDS } from '../support/representatives.js';
import { run } from './generate-run.js';

let direct: Pair;
let bindings: Pair;
beforeAll(async () => {
  direct = await loadPair({ engine: 'direct', gpu: 'off' });
  bindings = await loadPair({ engine: 'bindings', gpu: 'off' });
});
afterAll(() => Promise.all([direct.dispose(), bindings.dispose()]));

const SETTINGS: SettingsInput = { temperature: 0, maxTokens: 24, ignoreEos: true };
const tokens = async (pair: Pair, settings: SettingsInput) =>
  (await run(pair, { ...SETTINGS, ...settings })).tokens;

describe('a text with penalties', () => {
  it.each(KINDS)('never repeats a token where that costs more than any other: %s', async (strategy) => {
    const written = await tokens(direct, { strategy, presencePenalty: 1e4, repeatLastN: -1 });
    expect(new Set(written).size).toBe(written.length);
  });

  it.each([{ repeatPenalty: 2 }, { frequencyPenalty: -3 }, { presencePenalty: 6, repeatLastN: 8 }])(
    'is at temperature 0 the same by speculative, block and autoregressive, and not the one without: %o',
    async (settings) => {
      const alone = await tokens(direct, { ...settings, strategy: 'autoregressive' });
      for (const strategy of ['speculative', 'block'] as const)
        expect(await tokens(direct, { ...settings, strategy })).toEqual(alone);
      expect(alone).not.toEqual(await tokens(direct, { strategy: 'autoregressive' }));
    },
  );

  it('is the same by both engines, which differ in what they know of logits', async () => {
    const settings = { presencePenalty: 0.7, frequencyPenalty: 0.3, minP: 0.05 };
    expect(await tokens(bindings, settings)).toEqual(await tokens(direct, settings));
    await expect(tokens(bindings, { repeatPenalty: 1.1 })).rejects.toThrow(UsageError);
    await expect(tokens(bindings, { repeatPenalty: 1.1 })).rejects.toThrow(/`engine` direct/);
    const off = { repeatPenalty: 1.1, repeatLastN: 0 };
    expect(await tokens(bindings, off)).toEqual(await tokens(bindings, {}));
  });
});
