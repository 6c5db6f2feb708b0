import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { Series } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { depthsOf } from '../../src/math/draft-tree.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import type { TokenId } from '../../src/types.js';
import { attentionWithChain, attentionWithHead, CHAIN } from '../support/head-models.js';
import { HYBRID } from '../support/hybrid.js';
import { firstOf } from '../support/tries.js';
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

  // Accepted guesses of each step of llama-speculative-simple --spec-type draft-mtp --temp 0 -n 128 -t 1 (v0.4.0), before it
  // shortens a draft, as it does where 128 tokens are nearly there: mtad drafts on, and cuts.
  const DRIVER = [
    [2, 'Once upon a time', '222222222102212220202222122220000222020112221221202'],
    [3, 'One day, a girl found a key', '21300033330132303033200332333333333330123'],
    [4, 'Tom had a small red boat.', '4241343034404414223042404144130403102'],
    [2, 'One day, a girl found a key', '2120000202222012202122222102221222222222212222012222'],
    [2, 'Tom had a small red boat.', '221211202120020222122222200221220022220222220021020102'],
    [3, 'Once upon a time', '33333330030222333133233000002310311330133333'],
    [3, 'Tom had a small red boat.', '3330133030331303302332303203303333303003102'],
    [4, 'Once upon a time', '444244004222334042243000024003114443344'],
    [4, 'One day, a girl found a key', '213000343442443410040444444414442404'],
  ] as const;
  it.each(firstOf(3, DRIVER))(
    'accepts in each step as many of %i guesses as llama.cpp’s own driver: %s',
    async (draftLength, prompt, accepted) => {
      const settings = { ...GREEDY, maxTokens: 140, strategy: 'speculative', draftLength } as const;
      const { steps } = await run(pair, { ...settings, draftFrom: 'mtp' }, { prompt });
      expect(steps.map((step) => step.accepted).join('')).toMatch(new RegExp(`^${accepted}`));
    },
  );

  it('accepts more of the head than of the draft model', async () => {
    const settings = { strategy: 'mtad', seed: 3, maxTokens: 100, ignoreEos: true } as const;
    const rates = [];
    for (const draftFrom of ['mtp', 'model'] as const) {
      const { counters } = await run(pair, { ...settings, draftFrom });
      rates.push(counters.accepted / counters.drafted);
    }
    expect(rates[0]).toBeGreaterThan(rates[1]!);
  });

  it('writes in a series, from any source of drafts and with a tail, what it writes alone', async () => {
    const series = new Series(pair, { threads: 1, ...EXACT });
    const sources = ['mtp', 'model', 'mtp', 'lookup', 'mtp', 'mtp'] as const;
    const prompts = ['Once upon a time', 'Once upon a time, there was a cat.', 'Once upon a time'];
    try {
      for (const [seed, draftFrom] of sources.entries()) {
        const strategy = (['mtad', 'speculative', 'block'] as const)[seed % 3]!;
        const draftTail = draftFrom === 'mtp' ? 'lookup' : 'none';
        const sizes = { draftLength: 4, maxTokens: 20, topK: 2 };
        const settings: SettingsInput = { strategy, draftFrom, draftTail, seed, ...sizes };
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

it('has trees drafted and judged where the target has plain attention', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'mtad-head-'));
  const pair = await loadPair({ model: await attentionWithHead(dir), engine: 'direct', gpu: 'off' });
  try {
    const { steps } = await run(pair, { strategy: 'mmtad', maxTokens: 20, seed: 1, ignoreEos: true });
    expect(steps.every(({ draftPasses, targetPasses }) => draftPasses > 0 && targetPasses === 1)).toBe(true);
    const branches = steps.map(({ draft }) => draft.length - new Set(draft.map(({ parent }) => parent)).size);
    expect(Math.max(...branches)).toBeGreaterThan(0);
  } finally {
    await pair.dispose();
    await rm(dir, { recursive: true, force: true });
  }
});

it('has a chain of heads draft no more tokens in a row than it has layers, and the text of plain decoding', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'mtad-chain-'));
  const pair = await loadPair({ model: await attentionWithChain(dir), engine: 'direct', gpu: 'off' });
  try {
    const { tokens } = await run(pair, { ...GREEDY, strategy: 'autoregressive' }, EXACT);
    for (const settings of [
      { strategy: 'speculative', draftLength: 2 },
      { strategy: 'speculative', draftLength: 8 },
      { strategy: 'block', draftLength: 8 },
    ] as const) {
      const drafted = await run(pair, { ...GREEDY, ...settings }, { ...EXACT, verifyCache: 1 });
      expect(drafted.tokens, JSON.stringify(settings)).toEqual(tokens);
      const most = Math.max(...drafted.steps.map(({ draft }) => draft.length));
      expect(most).toBe(Math.min(CHAIN, settings.draftLength));
      expect(drafted.counters.accepted).toBeGreaterThan(drafted.counters.drafted / 4);
    }
    const { steps } = await run(pair, {
      strategy: 'mmtad',
      draftLength: 8,
      maxTokens: 20,
      seed: 1,
      ignoreEos: true,
    });
    const depths = steps.map(({ draft }) => Math.max(0, ...depthsOf(draft)));
    expect(Math.max(...depths)).toBe(CHAIN);
  } finally {
    await pair.dispose();
    await rm(dir, { recursive: true, force: true });
  }
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
