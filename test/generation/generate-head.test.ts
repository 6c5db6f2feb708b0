import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { Series } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import type { TokenId } from '../../src/types.js';
import { HYBRID } from '../support/hybrid.js';
import { run } from './generate-run.js';

const EXACT = { flashAttention: false, cacheType: 'f32' } as const;
const GREEDY = { temperature: 0, maxTokens: 64, ignoreEos: true } as const;

describe('a target with a drafting head', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await loadPair({
      model: HYBRID,
      draft: EMBEDDED_PAIR.draft,
      withHead: true,
      engine: 'direct',
      gpu: 'off',
    });
  });
  afterAll(() => pair.dispose());

  it.each([
    { strategy: 'speculative', draftLength: 1 },
    { strategy: 'speculative', draftLength: 4 },
    { strategy: 'block', draftLength: 8 },
    { strategy: 'block', draftLength: 'auto' },
  ] as const)('writes with it at temperature 0 what plain decoding writes: %o', async (settings) => {
    const { tokens } = await run(pair, { ...GREEDY, strategy: 'autoregressive' }, EXACT);
    const drafted = await run(pair, { ...GREEDY, ...settings, draftFrom: 'mtp' }, EXACT);
    expect(drafted.tokens).toEqual(tokens);
  });

  it('accepts of the head at least nine tenths of what it accepts in llama.cpp’s own driver', async () => {
    const prompts = ['Once upon a time', 'One day, a girl found a key', 'Tom had a small red boat.'];
    let [accepted, drafted] = [0, 0];
    for (const prompt of prompts) {
      const settings = { ...GREEDY, maxTokens: 128, strategy: 'speculative', draftLength: 3 } as const;
      const { counters } = await run(pair, { ...settings, draftFrom: 'mtp' }, { prompt });
      accepted += counters.accepted;
      drafted += counters.drafted;
    }
    expect(accepted / drafted).toBeGreaterThan(0.9 * (263 / 392));
  });

  it('accepts more of the head than of the draft model', async () => {
    const settings = { strategy: 'mtad', seed: 3, maxTokens: 100, ignoreEos: true } as const;
    const rates = [];
    for (const draftFrom of ['mtp', 'model'] as const) {
      const { counters } = await run(pair, { ...settings, draftFrom });
      rates.push(counters.accepted / counters.drafted);
    }
    expect(rates[0]).toBeGreaterThan(rates[1]!);
  });

  it('writes in a series, from any source of drafts, what it writes alone', async () => {
    const series = new Series(pair, { threads: 1, ...EXACT });
    const sources = ['mtp', 'model', 'mtp', 'lookup', 'mtp', 'mtp'] as const;
    const prompts = ['Once upon a time', 'Once upon a time, there was a cat.', 'Once upon a time'];
    try {
      for (const [seed, draftFrom] of sources.entries()) {
        const strategy = (['mtad', 'speculative', 'block'] as const)[seed % 3]!;
        const settings: SettingsInput = { strategy, draftFrom, seed, draftLength: 3, maxTokens: 20, topK: 2 };
        const prompt = prompts[seed % 3]!;
        const tokens: TokenId[] = [];
        for await (const event of series.write(prompt, settings))
          if (event.type === 'end') tokens.push(...event.result.tokens);
        expect(tokens, `${seed}`).toEqual((await run(pair, settings, { ...EXACT, prompt })).tokens);
      }
    } finally {
      await series.dispose();
    }
  });
});

describe('a drafting head', () => {
  const sourceOf = async (model: string, engine: 'direct' | 'bindings', settings: SettingsInput = {}) => {
    const pair = await loadPair({ model, engine, gpu: 'off' });
    try {
      const { steps } = await run(pair, { maxTokens: 4, ...settings });
      return {
        hasHead: pair.target.head !== undefined,
        drafts: steps.some(({ draftPasses }) => draftPasses > 0),
      };
    } finally {
      await pair.dispose();
    }
  };

  it('drafts by itself where no draft model is named', async () => {
    expect(await sourceOf(HYBRID, 'direct')).toEqual({ hasHead: true, drafts: true });
  });

  it('is refused in one line where it is asked for and the target has none', async () => {
    const asked = sourceOf(EMBEDDED_PAIR.model, 'bindings', { draftFrom: 'mtp' });
    await expect(asked).rejects.toThrow(UsageError);
    await expect(asked).rejects.toThrow(
      /^`draftFrom` mtp: .*stories-target-f16\.gguf has no drafting head; use lookup, or a draft model$/,
    );
  });

  it('is refused in one line where the engine cannot run it', async () => {
    const pair = await loadPair({ model: HYBRID, withHead: false, engine: 'direct', gpu: 'off' });
    try {
      await expect(run(pair, { draftFrom: 'mtp' })).rejects.toThrow(
        /needs `engine` direct, and a build of llama\.cpp that gives out/,
      );
    } finally {
      await pair.dispose();
    }
  });
});
