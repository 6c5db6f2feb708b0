/** Texts that are hard on a tokenizer. */
import type { Rng } from '../src/types.js';

/** One text for each thing that goes wrong elsewhere. */
export const HARD_TEXTS: readonly string[] = [
  'Plain words, and a plain end.',
  '👩‍👩‍👧‍👦 🏳️‍🌈 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇩🇪🇫🇷🇯🇵 👍🏽👍🏿 🧑🏻‍🚀 1️⃣ ❤️‍🔥',
  '日本語の文章です。中文字符，繁體字；한국어 문장입니다.',
  'مرحبا بالعالم، كيف حالك؟ שָׁלוֹם עוֹלָם',
  'नमस्ते दुनिया, क्षत्रिय. สวัสดีชาวโลก น้ำใจ',
  'e\u0301 n\u0303 Z\u0337\u031b\u0315a\u0334\u0321l\u0335g\u0336o\u0338 a\u0300\u0301\u0302\u0303\u0304',
  'def f(x):\n\tif x:\n\t\treturn [x  , 1]\n    # four\n\n\n\n\tls . && x ? y : z !\r\n',
  "You 're sure , aren't you ? It 's a ' b , she 'll and they 've .",
  '\u0001\u0002\u0007\b\u000b\u001b[31mred\u001b[0m\u007f\u0085\u009f',
  '\u{10348}\u{12000}\u{1d11e}\u{20000}\u{2f81a}\u{e0041}\u{f0000}\u{10ffff}',
  '\u200b\u200d\u2060\ufeff\u00ad\u202e\ufe0f',
  '\u2581 \u2581\u2581 G\u0120pt',
  ' one before, and behind ',
  `${' '.repeat(40)}x${' '.repeat(200)}y${'\t'.repeat(30)}`,
  '\n\n\nlines\r\n\r\nand \n lines',
  '3.14159 1,000,000 0x7f 2026-11-24T03:57:00Z',
];

/** First and last code point of scripts and signs; surrogates are in none. */
const BLOCKS = [
  [0x20, 0x7e],
  [0x20, 0x20],
  [0x00, 0x1f],
  [0x80, 0x24f],
  [0x300, 0x36f],
  [0x400, 0x4ff],
  [0x590, 0x6ff],
  [0x900, 0x97f],
  [0xe00, 0xe7f],
  [0x2000, 0x206f],
  [0x3040, 0x30ff],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0xe000, 0xf8ff],
  [0xfe00, 0xfe0f],
  [0x10000, 0x1247f],
  [0x1f1e6, 0x1f1ff],
  [0x1f300, 0x1faff],
  [0x20000, 0x2fa1f],
  [0xe0000, 0xe01ef],
  [0x10ff00, 0x10ffff],
] as const;

/** @returns `length` code points, each from a block of its own choice */
export function randomText(rng: Rng, length: number): string {
  const below = (limit: number) => Math.floor(rng() * limit);
  const codePoint = () => {
    const [first, last] = BLOCKS[below(BLOCKS.length)]!;
    return first + below(last - first + 1);
  };
  return String.fromCodePoint(...Array.from({ length }, codePoint));
}

/** The same in another order, each as likely. */
export function shuffled<T>(items: readonly T[], rng: Rng): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(rng() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
