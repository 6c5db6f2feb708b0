import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { tinyModel } from '../support/gguf-files.js';
import { KINDS } from '../support/representatives.js';
import { tries } from '../support/tries.js';
import { run } from './generate-run.js';

const EOS = 2;

let pair: Pair;
let folder: string;
let tiny: Pair; // trained on 256 tokens
beforeAll(async () => {
  pair = await embeddedPair();
  folder = await mkdtemp(join(tmpdir(), 'mtad-finish-'));
  const [model, draft] = [await tinyModel(folder), await tinyModel(folder, { seed: 2 }, 'draft.gguf')];
  tiny = await loadPair({ model, draft, gpu: 'off' });
});
afterAll(async () => {
  await tiny.dispose();
  await rm(folder, { recursive: true });
});

/** Parts of a text: in the middle of words, from one into the next, several words, of one character. */
const partsOf = (text: string) => [
  text.slice(20, 23),
  text.slice(33, 41),
  text.slice(47, 48),
  text.slice(60, 85),
  text.slice(101, 104),
  text.slice(-7),
];

describe.each(KINDS)('a text by %s ends', (strategy) => {
  it('at a stop string, cut before it, even where that begins inside a token', async () => {
    const settings = { strategy, seed: 11, maxTokens: 60, ignoreEos: true };
    const whole = await run(pair, settings);
    expect(whole.finishReason).toBe('length');
    for (const stop of partsOf(whole.text)) {
      const { text, tokens, finishReason, pieces } = await run(pair, { ...settings, stop: [stop] });
      expect(finishReason).toBe('stop');
      expect(text).toBe(whole.text.slice(0, whole.text.indexOf(stop)));
      expect(pieces.map((piece) => piece.text).join('')).toBe(text);
      // The tokens go on to the one that completed the stop string, and no further.
      expect(tokens).toEqual(whole.tokens.slice(0, tokens.length));
      const written = (count: number) =>
        pair.target.tokenizer.decode(tokens.slice(0, count), whole.promptTokens);
      expect(written(tokens.length)).toContain(stop);
      expect(written(tokens.length - 1)).not.toContain(stop);
    }
  });

  it('at the first of several stop strings, and not at one that does not come', async () => {
    const settings = { strategy, seed: 11, maxTokens: 60, ignoreEos: true };
    const whole = await run(pair, settings);
    const parts = partsOf(whole.text);
    const first = Math.min(...parts.map((part) => whole.text.indexOf(part)));
    const stopped = await run(pair, { ...settings, stop: ['never written', ...parts] });
    expect(stopped.text).toBe(whole.text.slice(0, first));
    const unstopped = await run(pair, {
      ...settings,
      stop: ['never written', `${whole.text.slice(-5)}never`],
    });
    expect(unstopped.finishReason).toBe('length');
    expect(unstopped.text).toBe(whole.text);
  });

  it('at the end token, which is the last token and has no text', async () => {
    let ended = 0;
    for (let seed = 1; seed <= 8 && ended < tries(1, 8); seed++) {
      const prompt = 'And the moral of the story is to be kind.';
      const settings = { strategy, seed, maxTokens: 60 };
      const { tokens, text, finishReason, promptTokens } = await run(pair, settings, { prompt });
      expect(tokens.includes(EOS)).toBe(finishReason === 'eos');
      if (finishReason !== 'eos') continue;
      ended++;
      expect(tokens.indexOf(EOS)).toBe(tokens.length - 1);
      expect(text).toBe(pair.target.tokenizer.decode(tokens.slice(0, -1), promptTokens));

      const ignoring = await run(pair, { ...settings, ignoreEos: true }, { prompt });
      expect(ignoring.finishReason).toBe('length');
      expect(ignoring.tokens).toHaveLength(60);
      expect(ignoring.tokens).not.toContain(EOS);
    }
    expect(ended).toBeGreaterThan(0);
  });

  it.each([1, 2, 3, 8])('when the context is full: %d tokens besides the prompt', async (room) => {
    const promptTokens = pair.target.tokenizer.encode('Once upon a time').length;
    const settings = { strategy, seed: 11, ignoreEos: true };
    const { tokens, finishReason } = await run(pair, settings, { contextSize: promptTokens + room });
    expect(finishReason).toBe('context');
    expect(tokens).toHaveLength(room);
  });

  it('where the model was trained to when no context size is given', async () => {
    const prompt = 'Once upon a time, '.repeat(10);
    const { tokens, finishReason, promptTokens } = await run(
      tiny,
      { strategy, seed: 11, maxTokens: 5000, ignoreEos: true },
      { prompt },
    );
    expect(promptTokens.length).toBeLessThan(250);
    expect(finishReason).toBe('context');
    expect(promptTokens.length + tokens.length).toBe(256);
  });
});
