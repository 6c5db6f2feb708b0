import { beforeAll, describe, expect, it } from 'vitest';
import { type GenerationResult, joined } from '../../src/generation/events.js';
import { generate } from '../../src/generation/generate.js';
import type { Pair } from '../../src/models/pair.js';
import { GoingOn } from '../../src/text/begun-text.js';
import { TextStream, textOf } from '../../src/text/text-stream.js';
import { embeddedPair } from '../support/embedded-pair.js';

const FIRST_BYTE = 3; // the token of byte 0 in the embedded pair's vocabulary

let pair: Pair;
let any: GenerationResult;
beforeAll(async () => {
  pair = await embeddedPair();
  for await (const event of generate(pair, 'Once', { maxTokens: 1 }, { threads: 1 }))
    if (event.type === 'end') any = event.result;
});

describe.each([
  ['a character that never ends', Array(20).fill(0xf0)],
  ['bytes that form no character, then one that is whole', [...Array(10).fill(0x80), 0xf0, 0x9f, 0x98, 0x80]],
  ['two broken characters and a whole one', [0xf0, 0x9f, 0xe6, 0x97, 0xf0, 0x9f, 0x98, 0x80]],
  ['letters of which none could be read', [...Buffer.from('\uFFFD\uFFFD\uFFFD\uFFFD')]],
])('a text with %s', (_, bytes: readonly number[]) => {
  it('has nothing twice and loses nothing, wherever it is cut and goes on', () => {
    const { tokenizer } = pair.target;
    const prompt = tokenizer.encode('Say:');
    const tokens = [...tokenizer.encode('so'), ...bytes.map((byte) => FIRST_BYTE + byte)];
    tokens.push(...tokenizer.encode('so'));
    const written = (before: GenerationResult, to: number) => {
      const stream = new TextStream(tokenizer, prompt, []);
      const shown = new GoingOn(stream, before);
      const more = tokens.slice(before.tokens.length, to);
      const pieces = more.flatMap((token) => {
        stream.add(token);
        return shown.take(0);
      });
      return { ...any, tokens: more, text: textOf([...pieces, ...shown.end()]) };
    };
    const nothing = { ...any, tokens: [], text: '' };
    const whole = written(nothing, tokens.length).text;
    for (let cut = 1; cut < tokens.length; cut++) {
      const first = written(nothing, cut);
      expect(joined(first, written(first, tokens.length)).text, `cut at ${cut}`).toBe(whole);
    }
  });
});
