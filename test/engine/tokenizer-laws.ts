import { expect, it } from 'vitest';
import type { Model } from '../../src/engine/port.js';

const BOS = 1;
const EOS = 2;

const TEXTS = [
  'Once upon a time, there was a little girl.',
  'Tom said, "It\'s 7 o\'clock!"\nThen he ran home.',
  'Café, naïve, Straße, Ω',
  'I saw 😀 and 👩‍👧 today',
  '猫は好きですか。 고양이',
  '  two spaces, and  two more',
  '\n\nlines',
];

/** Between text and the embedded pair's tokens: a SentencePiece vocabulary with bytes to fall back on. */
export function tokenizerLaws(model: () => Model): void {
  const tokenizer = () => model().tokenizer;

  it('begins every text with the BOS token, once', () => {
    for (const text of ['', ...TEXTS]) {
      const tokens = tokenizer().encode(text);
      expect(tokens.indexOf(BOS)).toBe(0);
      expect(tokens.lastIndexOf(BOS)).toBe(0);
    }
  });

  it.each(TEXTS)('gives %j back from its tokens', (text) => {
    // SentencePiece writes a space before the first word; whether it is shown is the library's choice.
    expect([text, ` ${text}`]).toContain(tokenizer().decode(tokenizer().encode(text), []));
  });

  it.each(TEXTS)('reads any end of %j as it stands after its beginning', (text) => {
    const tokens = tokenizer().encode(text);
    const whole = tokenizer().decode(tokens, []);
    for (let i = 2; i < tokens.length; i++) {
      const beginning = tokenizer().decode(tokens.slice(0, i), []);
      if (beginning.endsWith('\uFFFD')) continue; // it ends inside a character
      expect(beginning + tokenizer().decode(tokens.slice(i), tokens.slice(0, i))).toBe(whole);
    }
  });

  it('keeps the space before a word that follows other text', () => {
    const [, once, upon] = tokenizer().encode('Once upon');
    expect(tokenizer().decode([upon!], [BOS, once!])).toBe(' upon');
  });

  it.each([-1, 2048, 2 ** 31, 0.5, Number.NaN])('refuses %d, which is no token', (token) => {
    expect(() => tokenizer().decode([5, token], [])).toThrow(RangeError);
    expect(() => tokenizer().decode([5], [token])).toThrow(RangeError);
    expect(() => tokenizer().isControl(token)).toThrow(RangeError);
  });

  it('reads the names of control tokens as text, unless it is asked to take them for these', () => {
    const html = '<s>10</s>';
    const tokens = tokenizer().encode(html);
    expect(tokens.slice(1).filter((token) => tokenizer().isControl(token))).toEqual([]);
    expect(tokenizer().decode(tokens.slice(1), [BOS])).toBe(html);
    expect(tokenizer().encode('The end.</s>', true).at(-1)).toBe(EOS);
    expect(tokenizer().encode('<s>Once', true)).toEqual(tokenizer().encode('Once'));
  });

  it('gives control tokens no text, but their names where that is asked for', () => {
    expect(tokenizer().decode([BOS, EOS], [])).toBe('');
    expect(tokenizer().decode([EOS], [], true)).toBe('</s>');
    expect([BOS, EOS].map((token) => tokenizer().isControl(token))).toEqual([true, true]);
  });

  it('knows the one token that ends a generation', () => {
    const ends = Array.from({ length: 2048 }, (_, token) => token).filter((token) =>
      tokenizer().isEndOfGeneration(token),
    );
    expect(ends).toEqual([EOS]);
  });
}
