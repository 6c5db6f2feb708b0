import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerationResult } from '../../src/generation/events.js';
import { generate, Series } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';

let pair: Pair;
beforeAll(async () => {
  pair = await loadPair({ gpu: 'off' });
});
afterAll(() => pair.dispose());

const RUN = { threads: 1, contextSize: 256 };
const SHORT: SettingsInput = { seed: 1, maxTokens: 12, draftLength: 4 };
const COMMON =
  'Once upon a time there was a girl who lived in a small house near the sea, and every day she went to the beach';

async function resultOf(
  events: ReturnType<typeof generate>,
): Promise<GenerationResult & { readonly promptTokens: number }> {
  let promptTokens = 0;
  for await (const event of events) {
    if (event.type === 'start') promptTokens = event.promptTokens.length;
    if (event.type === 'end') return { ...event.result, promptTokens };
  }
  throw new Error('no end');
}

const alone = (prompt: string, settings: SettingsInput) => resultOf(generate(pair, prompt, settings, RUN));

describe('a series', () => {
  it('writes what each prompt alone would give, whatever came before with which settings', async () => {
    const texts: [string, SettingsInput][] = [
      [COMMON, SHORT],
      [`${COMMON} with her dog.`, SHORT],
      [`${COMMON} with her dog. They`, { ...SHORT, strategy: 'mmtad', beamWidth: 6 }],
      ['The cat', { ...SHORT, strategy: 'autoregressive', maxTokens: 40 }],
      [COMMON, { ...SHORT, strategy: 'speculative', draftLength: 9, seed: 3 }],
      ['The cat', { ...SHORT, maxTokens: 100 }],
      [COMMON, { ...SHORT, draftFrom: 'lookup' }],
      [COMMON, SHORT],
    ];
    const series = new Series(pair, RUN);
    for (const [prompt, settings] of texts) {
      const { text } = await resultOf(series.write(prompt, settings));
      expect(text).toBe((await alone(prompt, settings)).text);
    }
    await series.dispose();
  });

  it('evaluates a common beginning once', async () => {
    const series = new Series(pair, RUN);
    const first = await resultOf(series.write(`${COMMON} alone.`, SHORT));
    expect(first.evaluated.target).toBe(first.promptTokens);
    const second = await resultOf(series.write(`${COMMON} with her dog.`, SHORT));
    expect(second.evaluated.target).toBeLessThan(12);
    expect(second.evaluated.draft).toBeLessThan(12);
    await series.dispose();
  });

  it('goes on after a text that cannot be written', async () => {
    const series = new Series(pair, RUN);
    await expect(resultOf(series.write('', SHORT))).rejects.toThrow('The prompt is empty');
    await expect(resultOf(series.write('a', { temperature: -1 }))).rejects.toThrow('`temperature` must be');
    await expect(resultOf(series.write('word '.repeat(400), SHORT))).rejects.toThrow('The prompt has');
    expect((await resultOf(series.write(COMMON, SHORT))).text).toBe((await alone(COMMON, SHORT)).text);
    await series.dispose();
  });

  it('writes one text at a time', async () => {
    const series = new Series(pair, RUN);
    const first = series.write(COMMON, SHORT);
    await first.next();
    await expect(series.write(COMMON, SHORT).next()).rejects.toThrow('Another text is still being written');
    await first.return();
    expect((await resultOf(series.write(COMMON, SHORT))).text).toBe((await alone(COMMON, SHORT)).text);
    await series.dispose();
  });
});
