import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatTemplate } from '../../src/engine/port.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { chatPair } from '../support/chat-models.js';
import { openSession } from '../support/open-session.js';
import { KINDS } from '../support/representatives.js';
import { run } from './generate-run.js';

const END = 2; // <|im_end|>
const USER = 1985; // otherwise a full stop, which stories have many of
const NAME = '<|user|>';

/** Knows of tokens that end a turn, and of no texts. */
const TEMPLATE: ChatTemplate = {
  name: 'of the test',
  takesSystem: true,
  hasSwitch: false,
  reasoning: undefined,
  endTokens: new Set([END]),
  endTexts: [],
  encode: async () => ({ text: '', tokens: [] }),
};

let folder: string;
let pair: Pair;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-control-'));
  pair = await loadPair({ ...(await chatPair(folder, { tokens: { [USER]: NAME } })), gpu: 'off' });
});
afterAll(async () => {
  await pair?.dispose();
  await rm(folder, { recursive: true });
});

describe.each(KINDS)('control tokens that %s writes', (strategy) => {
  const settings = { strategy, seed: 3, maxTokens: 60 };

  it('are hidden, or shown by name', async () => {
    const hidden = await run(pair, settings);
    expect(hidden.tokens.filter((token) => token === USER).length).toBeGreaterThan(1);
    expect(hidden.text).not.toContain(NAME);
    const shown = await run(pair, { ...settings, special: true });
    expect(shown.tokens).toEqual(hidden.tokens);
    expect(shown.text.split(NAME).length - 1).toBe(shown.tokens.filter((token) => token === USER).length);
    expect(shown.text.replaceAll(NAME, '')).toBe(hidden.text);
  });

  it.each([false, true])(
    'end the text where one is a stop text, which is not shown; special: %s',
    async (special) => {
      const whole = await run(pair, { ...settings, special: true });
      const { text, tokens, finishReason, pieces } = await run(pair, { ...settings, special, stop: [NAME] });
      expect(finishReason).toBe('stop');
      expect(tokens).toEqual(whole.tokens.slice(0, whole.tokens.indexOf(USER) + 1));
      expect(text).toBe(whole.text.slice(0, whole.text.indexOf(NAME)));
      expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    },
  );
});

it.each(['autoregressive', 'mtad'] as const)(
  'an answer may quote the mark that ends it: %s',
  async (strategy) => {
    const quote = 'The mark <|im_end|> ends a turn, and <|user|> begins one';
    const settings = { strategy, seed: 1, grammar: { gbnf: `root ::= "${quote}"` } };
    const { session, dispose } = await openSession(pair, settings, { threads: 1 }, TEMPLATE);
    try {
      for await (const event of session.write(pair.target.tokenizer.encode('Tell me')))
        if (event.type === 'end') expect(event.result).toMatchObject({ text: quote, finishReason: 'eos' });
    } finally {
      await dispose();
    }
  },
);

it('are tokens of a prompt only where they are asked for, and never in a message', async () => {
  const prompt = `${NAME}Hello<|im_end|>`;
  const control = (tokens: readonly number[]) => tokens.filter((token) => [USER, END].includes(token));
  expect(control((await run(pair, { maxTokens: 1 }, { prompt })).promptTokens)).toEqual([]);
  const special = { maxTokens: 1, special: true };
  expect(control((await run(pair, special, { prompt })).promptTokens)).toEqual([USER, END]);
  const said = (content: string) => ({ messages: [{ role: 'user' as const, content }] });
  const ends = control((await run(pair, special, { prompt: said('Hello') })).promptTokens);
  expect(control((await run(pair, special, { prompt: said(prompt) })).promptTokens)).toEqual(ends);
});

it('a text that cannot fit is refused by its length alone, as prompt and as message', async () => {
  const long = ' w'.repeat(100_000);
  const said = { messages: [{ role: 'user' as const, content: long }] };
  for (const prompt of [long, said])
    await expect(run(pair, {}, { prompt })).rejects.toThrow(/at least \d+ tokens and the context holds 1024/);
});
