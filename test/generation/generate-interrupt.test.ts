import { beforeAll, describe, expect, it } from 'vitest';
import type { GenerationEvent } from '../../src/generation/events.js';
import { generate } from '../../src/generation/generate.js';
import type { Pair } from '../../src/models/pair.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { KINDS } from '../support/representatives.js';
import { PROMPT, type Run, run, watchContexts } from './generate-run.js';

/** More than 700 tokens: six batches for each model. */
const LONG_PROMPT = 'Once upon a time, there was a little girl named Lily. She had a dog. '.repeat(40);

let pair: Pair;
beforeAll(async () => {
  pair = await embeddedPair();
});

describe.each(KINDS)('a generation by %s', (strategy) => {
  const settings = { strategy, seed: 21, maxTokens: 40 };
  let whole: Run;
  beforeAll(async () => {
    whole = await run(pair, settings);
  });

  it('that is aborted before it begins writes nothing', async () => {
    const { text, tokens, finishReason } = await run(pair, settings, { signal: AbortSignal.abort() });
    expect(finishReason).toBe('interrupted');
    expect(text).toBe('');
    expect(tokens).toEqual([]);
  });

  it('that is aborted while it reads the prompt reads no further and writes nothing', async () => {
    const read = await run(pair, { ...settings, maxTokens: 1 }, { prompt: LONG_PROMPT });
    expect(read.prefills.length).toBeGreaterThanOrEqual(6);
    const abort = new AbortController();
    const { text, tokens, finishReason, prefills, counters } = await run(pair, settings, {
      prompt: LONG_PROMPT,
      signal: abort.signal,
      watch(event) {
        if (event.type === 'prefill' && event.done >= event.total / 8) abort.abort();
      },
    });
    expect(finishReason).toBe('interrupted');
    expect(prefills.at(-1)!.done).toBeLessThan(prefills.at(-1)!.total / 2);
    expect({ text, tokens, steps: counters.steps }).toEqual({ text: '', tokens: [], steps: 0 });
  });

  it.each([1, 2, 5])('that is aborted in step %d keeps what it wrote so far', async (last) => {
    const abort = new AbortController();
    let steps = 0;
    const { text, tokens, finishReason } = await run(pair, settings, {
      signal: abort.signal,
      watch(event) {
        if (event.type === 'step' && ++steps === last) abort.abort();
      },
    });
    expect(finishReason).toBe('interrupted');
    expect(steps).toBe(last);
    expect(tokens).toEqual(whole.steps.slice(0, last).flatMap(({ emitted }) => emitted));
    expect(tokens.length).toBeLessThan(whole.tokens.length);
    expect(text).toBe(pair.target.tokenizer.decode(tokens, whole.promptTokens));
    expect(whole.text.startsWith(text)).toBe(true);
  });

  it.each<GenerationEvent['type']>(['start', 'prefill', 'step', 'text', 'end'])(
    'that is left at its first %s event frees its contexts, and the pair can go on',
    async (type) => {
      const { pair: watched, opened, open } = watchContexts(pair);
      for await (const event of generate(watched, PROMPT, settings, { threads: 1 }))
        if (event.type === type) break;
      expect(opened.length).toBeGreaterThan(0);
      expect(open.size).toBe(0);
      expect((await run(pair, settings)).text).toBe(whole.text);
    },
  );

  it('that fails frees its contexts', async () => {
    const { pair: watched, opened, open } = watchContexts(pair);
    const failing = run(watched, settings, {
      watch(event) {
        if (event.type === 'step') throw new Error('the reader has gone');
      },
    });
    await expect(failing).rejects.toThrow('the reader has gone');
    expect(opened.length).toBeGreaterThan(0);
    expect(open.size).toBe(0);
  });
});
