import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { generate, Series } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import type { StrategyName } from '../../src/strategies/index.js';
import type { TokenId } from '../../src/types.js';
import { tinyModel } from '../support/gguf-files.js';
import { hybridModel, recurrentModel } from '../support/other-architectures.js';
import { tries } from '../support/tries.js';
import { run } from './generate-run.js';

const STRATEGIES = [
  'autoregressive',
  'speculative',
  'block',
  'mtad',
  'mtjd',
] as const satisfies StrategyName[];
const EXACT = { flashAttention: false, cacheType: 'f32' } as const;

describe.each([
  { what: 'a hybrid target that keeps states', target: hybridModel, draft: tinyModel },
  { what: 'a recurrent target that keeps none', target: recurrentModel, draft: tinyModel },
  { what: 'a hybrid draft model', target: tinyModel, draft: hybridModel },
])('with $what', ({ target, draft }) => {
  let dir: string;
  let pair: Pair;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mtad-recurrent-'));
    pair = await loadPair({
      model: await target(dir),
      draft: await draft(dir),
      engine: 'direct',
      gpu: 'off',
    });
  });
  afterAll(async () => {
    await pair.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  it.each([
    { strategy: 'speculative', draftLength: 1 },
    { strategy: 'speculative', draftLength: 4 },
    { strategy: 'block', draftLength: 8 },
    { strategy: 'speculative', draftLength: 4, draftFrom: 'lookup' },
  ] as const)('writes at temperature 0 what plain decoding writes: %o', async (settings) => {
    const greedy = { temperature: 0, ignoreEos: true, maxTokens: 60 };
    const { tokens } = await run(pair, { ...greedy, strategy: 'autoregressive' }, EXACT);
    expect((await run(pair, { ...greedy, ...settings }, EXACT)).tokens).toEqual(tokens);
  });

  it('writes in a series, over caches that hold other texts, what it writes alone', async () => {
    const series = new Series(pair, { threads: 1, ...EXACT });
    try {
      for (const [seed, strategy] of tries(STRATEGIES, [...STRATEGIES, ...STRATEGIES]).entries()) {
        const settings: SettingsInput = {
          strategy,
          seed,
          draftLength: 1 + (seed % 6),
          maxTokens: 20,
          topK: 2,
        };
        const prompt = 'Once upon a time, there was a cat.'.slice(0, 12 + 2 * seed);
        const tokens: TokenId[] = [];
        for await (const event of series.write(prompt, settings))
          if (event.type === 'end') tokens.push(...event.result.tokens);
        expect(tokens, strategy).toEqual((await run(pair, settings, { ...EXACT, prompt })).tokens);
      }
    } finally {
      await series.dispose();
    }
  });

  it('drafts as far as it pays, and measures what passes cost', async () => {
    const { steps, types } = await run(pair, { draftLength: 'auto', maxTokens: 20, ignoreEos: true });
    expect(types).toContain('costs');
    expect(steps.every(({ drafted }) => drafted <= 8 || !pair.target.isRecurrent)).toBe(true);
  });

  it('judges no trees where layers of the target keep the state of one text', async () => {
    const writing = generate(pair, 'Once', { strategy: 'mmtad', maxTokens: 4 }, { threads: 1 });
    const end = (async () => {
      for await (const _ of writing);
    })();
    if (!pair.target.isRecurrent) return expect(await end).toBeUndefined();
    await expect(end).rejects.toThrow(UsageError);
    await expect(end).rejects.toThrow(
      /mmtad judges several drafts .* recurrent layers .*use `strategy` mtad/,
    );
  });
});
