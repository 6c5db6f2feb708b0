import { describe, expect, it } from 'vitest';
import { Detokenizer } from '../../src/text/detokenizer.js';
import type { TokenId } from '../../src/types.js';
import { BYTE_END, FIRST_PIECE, fakeTokenizer } from '../support/fake-tokenizer.js';

const PROMPT = fakeTokenizer().encode('Say:');
const BROKEN = '\uFFFD';

const bytes = (text: string) => new TextEncoder().encode(text);

/** The text after each token, and the rest. */
function pushAll(tokens: readonly TokenId[], tokenizer = fakeTokenizer(), prompt = PROMPT): string[] {
  const detokenizer = new Detokenizer(tokenizer, prompt);
  return [...tokens.map((token) => detokenizer.push(token)), detokenizer.flush()];
}

describe('Detokenizer', () => {
  it.each(['plain text', ' a space in front', 'naïve café', '日本語の文章', '😀 and 👩‍👩‍👧 and 🏳️‍🌈', 'é'])(
    'never shows a part of a character: %s',
    (text) => {
      const pieces = pushAll([...bytes(text)]);
      expect(pieces.join('')).toBe(text);
      for (const piece of pieces) expect(piece).not.toContain(BROKEN);
    },
  );

  it('shows each character with the token that completes it', () => {
    expect(pushAll([...bytes('a日b😀')])).toEqual(['a', '', '', '日', 'b', '', '', '', '😀', '']);
  });

  it('waits where a token ends in the middle of a character that another completes', () => {
    const [first, second] = [bytes('日本').slice(0, 4), bytes('日本').slice(4)];
    const tokenizer = fakeTokenizer(first, second);
    expect(pushAll([FIRST_PIECE, FIRST_PIECE + 1], tokenizer)).toEqual(['', '日本', '']);
  });

  it('shows after eight tokens what really is broken, but for the last that may still become a character', () => {
    const pieces = pushAll(new Array<number>(8).fill(0xf0));
    expect(pieces.slice(0, 7)).toEqual(new Array(7).fill(''));
    expect(pieces[7]).toBe(BROKEN.repeat(7));
    expect(pieces[8]).toBe(BROKEN);
  });

  it.each(Array.from({ length: 12 }, (_, count) => count))(
    'shows a character whole behind %d broken ones',
    (count) => {
      const pieces = pushAll([...new Array<number>(count).fill(0xf0), ...bytes('日😀a')]);
      expect(pieces.join('')).toBe(`${BROKEN.repeat(count)}日😀a`);
    },
  );

  it('keeps the space of the first word with text, however many tokens without any come before it', () => {
    for (const prompt of [PROMPT, []]) {
      const tokens = [...new Array<number>(6).fill(BYTE_END), ...bytes(' a')];
      expect(pushAll(tokens, fakeTokenizer(), prompt).join('')).toBe(fakeTokenizer().decode(tokens, prompt));
    }
  });

  it('gives out at the end what it held back, broken or not', () => {
    const detokenizer = new Detokenizer(fakeTokenizer(), PROMPT);
    for (const byte of bytes('😀').slice(0, 3)) detokenizer.push(byte);
    expect(detokenizer.flush()).toContain(BROKEN);
    expect(detokenizer.flush()).toBe('');
  });

  it('lets the tokens before it decide about spaces', () => {
    expect(pushAll([...bytes(' a b')]).join('')).toBe(' a b');
    expect(pushAll([...bytes(' a b')], fakeTokenizer(), []).join('')).toBe('a b');
  });

  it('has no text for a token that has none', () => {
    expect(pushAll([...bytes('a'), BYTE_END])).toEqual(['a', '', '']);
  });
});
