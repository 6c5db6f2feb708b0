import { beforeAll, describe, expect, it } from 'vitest';
import { ResourceError, UsageError } from '../../src/errors.js';
import type { RunOptions } from '../../src/generation/run-options.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import type { Pair } from '../../src/models/pair.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { KINDS } from '../support/representatives.js';
import { firstOf, tries } from '../support/tries.js';
import { type Run, run, watchContexts } from './generate-run.js';

let pair: Pair;
beforeAll(async () => {
  pair = await embeddedPair();
});

const WRONG_SETTINGS: Record<string, unknown> = {
  strategy: 'beam',
  draftLength: 0,
  beamWidth: 2.5,
  threshold: 0,
  clip: 'yes',
  draftFrom: 'prompt',
  temperature: -1,
  topK: -1,
  topP: 1.5,
  seed: -1,
  maxTokens: 0,
  stop: [''],
  ignoreEos: 1,
  perplexity: 'often',
  topk: 10, // not a setting
};

/**
 * After these the likeliest token leads by 0.06 in log-probability or more, 60 tokens long. Where two tokens are as good
 * as equal, batches of different sizes, which round differently, may choose differently.
 */
const CLEAR_PROMPTS = [
  'Once upon a time',
  'The cat sat',
  'One day, Sue went to the park with a brave car.',
  '"Can I see your box?" asked Jack. "It is so yellow!"',
];

/** How to run cannot be guessed either. */
const WRONG_OPTIONS: RunOptions[] = [
  { contextSize: Number.NaN },
  { contextSize: 64.5 },
  { contextSize: 1 }, // no room for a token
  { contextSize: -1 },
  { threads: 0 },
  { threads: -1 },
  { threads: 0.5 },
  { threads: Number.NaN },
  { threads: 100_000 }, // more than there are processors
];

describe('generate', () => {
  describe.each(KINDS)('with %s', (strategy) => {
    it('writes the same for the same seed, and something else for another', async () => {
      const texts = new Set<string>();
      for (const seed of tries([1, 2], [1, 2, 3, 4])) {
        const settings = { strategy, seed, maxTokens: 40 };
        const [a, b] = [await run(pair, settings), await run(pair, settings)];
        expect(b.tokens).toEqual(a.tokens);
        expect(b.text).toBe(a.text);
        texts.add(a.text);
      }
      expect(texts.size).toBeGreaterThan(1);
    });

    it.each([1, 2, 5, 40])('writes %d tokens when that is all it may', async (maxTokens) => {
      const { tokens, finishReason, counters } = await run(pair, {
        strategy,
        seed: 5,
        maxTokens,
        ignoreEos: true,
      });
      expect(tokens).toHaveLength(maxTokens);
      expect(finishReason).toBe('length');
      expect(counters.emitted).toBe(maxTokens);
    });

    it.each<{ what: string; prompt: string; settings: SettingsInput }>([
      { what: 'ordinary words', prompt: 'Once upon a time', settings: {} },
      { what: 'words inside a sentence', prompt: 'Tom said, "I', settings: { temperature: 0 } },
      { what: 'any tokens at all', prompt: 'Café 😀', settings: { temperature: 3, topK: 0, topP: 1 } },
    ])('shows the text of its tokens, for $what', async ({ prompt, settings }) => {
      for (const seed of tries([1], [1, 2, 3, 4, 5])) {
        const { text, tokens, pieces, promptTokens } = await run(
          pair,
          { strategy, seed, maxTokens: 40, ...settings },
          { prompt },
        );
        expect(text).toBe(pair.target.tokenizer.decode(tokens, promptTokens));
        expect(pieces.map((piece) => piece.text).join('')).toBe(text);
      }
    });

    it('tells of the start, the prompt, each step and its text, and the end, in this order', async () => {
      const { types, steps, tokens, counters, prefills } = await run(pair, {
        strategy,
        seed: 5,
        maxTokens: 20,
      });
      expect(types.join(' ')).toMatch(/^start (prefill )+(step text )+(text )?end$/);
      expect(prefills.at(-1)!.done).toBe(prefills.at(-1)!.total);
      expect(steps.flatMap(({ emitted }) => emitted)).toEqual(tokens);
      expect(steps).toHaveLength(counters.steps);
      const [before, after] = [steps.slice(0, -1), steps.slice(1)];
      before.forEach((step, i) => {
        expect(after[i]!.position).toBe(step.position + step.emitted.length);
      });
    });
  });

  it.each(firstOf(2, CLEAR_PROMPTS))(
    'writes after %j at temperature 0 with speculation what it writes without',
    async (prompt) => {
      const settings = { temperature: 0, maxTokens: 60 };
      const plain = await run(pair, { strategy: 'autoregressive', ...settings }, { prompt });
      for (const strategy of ['speculative', 'block'] as const)
        for (const draftFrom of ['model', 'lookup'] as const) {
          const speculated = await run(pair, { strategy, draftFrom, ...settings }, { prompt });
          expect(speculated.tokens).toEqual(plain.tokens);
          if (draftFrom === 'model') expect(speculated.counters.accepted).toBeGreaterThan(0);
        }
    },
  );

  it.each(['speculative', 'block', 'mtad'] as const)(
    'repeats with %s and lookup what repeats, without a draft model',
    async (strategy) => {
      const { pair: watched, opened } = watchContexts(pair);
      const prompt = 'The red bird sings. The blue bird sings. The red bird sings. The blue bird';
      const { counters } = await run(watched, { strategy, draftFrom: 'lookup', temperature: 0 }, { prompt });
      expect(counters.drafted).toBeGreaterThan(0);
      expect(counters.accepted).toBeGreaterThan(0);
      expect(counters.draftPasses).toBe(0);
      expect(opened).toHaveLength(1); // the target's
    },
  );

  it('writes for several callers at once what it writes for each alone, and tells who waited for whom', async () => {
    const callers = [
      { strategy: 'mtad', seed: 1, maxTokens: 40, draftLength: 4 },
      { strategy: 'mmtad', seed: 2, maxTokens: 40, draftLength: 4 },
      { strategy: 'autoregressive', seed: 3, maxTokens: 40 },
    ] as const;
    const alone: Run[] = [];
    for (const settings of callers) alone.push(await run(pair, settings));
    const together = await Promise.all(callers.map((settings) => run(pair, settings)));
    expect(together.map(({ text }) => text)).toEqual(alone.map(({ text }) => text));
    for (const { counters } of alone) expect(counters.ms.wait).toBe(0);
    for (const { counters } of together) {
      const { draft, verify, wait, own, decode } = counters.ms;
      expect(wait).toBeGreaterThan(0);
      expect(draft + verify + wait + own).toBe(decode);
    }
  });

  it('says which seed it took when none was given, and takes another one each time', async () => {
    const seeds = new Set<number>();
    for (let time = 0; time < 3; time++) {
      let seed = Number.NaN;
      const { text } = await run(
        pair,
        { maxTokens: 10 },
        {
          watch(event) {
            if (event.type === 'start') seed = event.settings.seed;
          },
        },
      );
      expect((await run(pair, { maxTokens: 10, seed })).text).toBe(text);
      seeds.add(seed);
    }
    expect(seeds.size).toBe(3);
  });

  it.each(Object.entries(WRONG_SETTINGS))('refuses %s: %j', async (name, value) => {
    const refused = run(pair, { [name]: value } as SettingsInput);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(name);
  });

  it.each(WRONG_OPTIONS)('refuses to run with %o', async (options) => {
    await expect(run(pair, { maxTokens: 1 }, options)).rejects.toThrow(UsageError);
  });

  it('refuses an empty prompt', async () => {
    await expect(run(pair, {}, { prompt: '' })).rejects.toThrow(UsageError);
  });

  it('refuses a prompt that leaves no room for a token in the context, with both numbers', async () => {
    const prompt = 'Once upon a time, there was a little girl named Lily.';
    const length = pair.target.tokenizer.encode(prompt).length;
    for (const contextSize of [length, length - 1]) {
      const tooSmall = run(pair, {}, { prompt, contextSize });
      await expect(tooSmall).rejects.toThrow(ResourceError);
      await expect(tooSmall).rejects.toThrow(new RegExp(`\\b${length} tokens.*\\b${contextSize}\\b`));
    }
    expect((await run(pair, {}, { prompt, contextSize: length + 1 })).tokens).toHaveLength(1);

    const long = prompt.repeat(100); // and the model was trained on 1024
    const tooLong = run(pair, {}, { prompt: long });
    await expect(tooLong).rejects.toThrow(ResourceError);
    await expect(tooLong).rejects.toThrow(`${pair.target.tokenizer.encode(long).length} tokens`);
    await expect(tooLong).rejects.toThrow('1024');
  });
});
