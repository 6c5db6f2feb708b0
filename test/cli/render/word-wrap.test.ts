import { stripVTControlCharacters as bare } from 'node:util';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { WordWrap } from '../../../src/cli/render/word-wrap.js';

const plain = (text: string) => text;

function wrapped(pieces: readonly string[], columns: number): string {
  const wrap = new WordWrap(() => columns);
  return pieces.map((piece) => wrap.next(piece, plain)).join('') + wrap.end();
}

const WORDS = [
  'a',
  'little',
  'girl',
  'named',
  'Lily-Rose',
  '.',
  '你',
  '好',
  '世界',
  '。',
  '！'.repeat(15),
  '👩‍💻',
  '🇩🇪',
  'e\u0301',
  '1\uFE0F\u20E3',
  '\n',
  '\r\n',
];
const text = fc
  .array(fc.constantFrom(...WORDS, ...WORDS, ' ', ' ', ' ', ' ', '  ', '\t', 'x'.repeat(33)), {
    maxLength: 60,
  })
  .map((words) => words.join(''));

/** A text, and the same in pieces of whole characters. */
const inPieces = fc.tuple(text, fc.array(fc.nat(300), { maxLength: 20 })).map(([whole, at]) => {
  const characters = [...whole];
  const end = characters.length;
  const cuts = [...new Set([0, ...at.filter((i) => i < end), end])].sort((a, b) => a - b);
  return { whole, pieces: cuts.slice(1).map((to, i) => characters.slice(cuts[i], to).join('')) };
});

/** Words that are longer than a line, cut where what follows decides what they are. */
const LONG_WORDS = [
  { columns: 20, pieces: ['aLily-Rose！！！！！！', `${'！'.repeat(9)}a`] },
  { columns: 21, pieces: [`a1\uFE0F\u20E3${'！'.repeat(10)}`, 'a'] },
  { columns: 20, pieces: [`${'x'.repeat(39)}1`, '\uFE0F\u20E3'] },
  { columns: 20, pieces: [`${'x'.repeat(39)}\r`, '\nx'] },
];

test('no line is wider than the terminal, but for a word that is; nothing but spaces goes, wherever the text is cut', () => {
  fc.assert(
    fc.property(inPieces, fc.integer({ min: 20, max: 40 }), ({ whole, pieces }, columns) => {
      const shown = wrapped(pieces, columns);
      expect(shown).toBe(wrapped([whole], columns));
      expect(shown.replaceAll(/\s/g, '')).toBe(whole.replaceAll(/\s/g, ''));
      expect(shown.split('\n').length).toBeGreaterThanOrEqual(whole.split('\n').length);
      const fits = (shown: string) => stringWidth(shown) <= columns;
      for (const line of shown.split('\n').filter((line) => !line.includes('\t')))
        expect(line.trimEnd().replaceAll(/^\s*\S+|\S+/g, (word) => (fits(word) ? word : ''))).toSatisfy(fits);
      const narrow = /^[\x20-\x7e\n]*$/.test(whole);
      if (narrow) expect(shown.split(/\s+/)).toEqual(whole.split(/\s+/));
    }),
    { examples: LONG_WORDS.map(({ columns, pieces }) => [{ whole: pieces.join(''), pieces }, columns]) },
  );
});

test.each([
  ['Once upon a time there was a girl', 'Once upon a time\nthere was a girl'],
  ['Once upon a time thr\nThere', 'Once upon a time thr\nThere'],
  ['  - Once upon a time the end', '  - Once upon a time\nthe end'],
  ['你好世界你好世界你好世界', '你好世界你好世界你好\n世界'],
  ['你好世界你好世界你好。世界', '你好世界你好世界你\n好。世界'],
  ['a b c d e f g h i j 👩‍💻 k', 'a b c d e f g h i j\n👩‍💻 k'],
  ['See https://example.org/a/b/c for', 'See\nhttps://example.org/a/b/c for'],
])('20 columns: %j', (given, shown) => {
  expect(wrapped([...given], 20)).toBe(shown);
});

test('a word keeps the colours of its pieces', () => {
  const { green } = new Chalk({ level: 1 });
  const wrap = new WordWrap(() => 20);
  const shown =
    wrap.next('Once upon a time', plain) + wrap.next(' the', green) + wrap.next('re was', plain) + wrap.end();
  expect(bare(shown)).toBe('Once upon a time\nthere was');
  expect(shown).toContain(`\n${green('the')}re`);
});

test('words before the last one are shown at once, and of a long word all but its end', () => {
  const wrap = new WordWrap(() => 20);
  expect(wrap.next('Once upon a ti', plain)).toBe('Once upon a');
  expect(wrap.next('me.\n', plain)).toBe(' time.\n');
  expect(wrap.next('x'.repeat(40), plain)).toBe('x'.repeat(39));
});

test.each(['！', 'ー', 'x', ' '])(
  'a model that writes %j for ever is shown at it, and takes no longer each time',
  (mark) => {
    const wrap = new WordWrap(() => 20);
    wrap.next('你', plain);
    const shown = Array.from({ length: 500 }, () => wrap.next(mark, plain)).join('');
    expect(shown.length).toBeGreaterThan(mark === ' ' ? 0 : 480);
    expect(wrap.end().length).toBeLessThan(mark === ' ' ? 510 : 20);
  },
);

test('a terminal without a width is given the text as it is', () => {
  const wrap = new WordWrap(() => 0);
  expect(wrap.next('Once upon a time there was', plain)).toBe('Once upon a time there was');
});
