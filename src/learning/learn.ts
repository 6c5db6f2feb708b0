import { LONGEST_ENDING } from '../drafting/corpus.js';
import type { Tokenizer } from '../engine/port.js';
import { sortByEnding } from '../math/sort-endings.js';
import { textEnd, tokenArray } from '../models/corpus-file.js';
import type { Vocabulary } from '../models/header.js';
import type { TokenId } from '../types.js';
import { type Source, textsOf } from './texts.js';

/** Tokens that there is room for at first. */
const ROOM = 2 ** 16;

/** The most tokens, since positions have 32 bits. */
export const MOST_TOKENS = 2 ** 32 - 1;

/** What a corpus keeps of texts. */
export interface LearnedTexts {
  readonly tokens: Uint16Array | Uint32Array;
  readonly order: Uint32Array;
  readonly texts: number;
}

/** How they are read. */
export interface LearnOptions {
  readonly tokenizer: Tokenizer;
  readonly vocabulary: Vocabulary;
  readonly signal: AbortSignal;
  /** Called with the number of bytes read so far, of all files together. */
  readonly onRead: (bytes: number) => void;
  /** Called with each file that is left out, and the reason. */
  readonly skip: (path: string, why: string) => void;
}

/** Reads texts and sorts their positions. A file that cannot be read to its end is left out as a whole. */
export async function learn(sources: readonly Source[], options: LearnOptions): Promise<LearnedTexts> {
  const { vocabulary, signal, onRead, skip } = options;
  const all = new Tokens(vocabulary);
  let texts = 0;
  let read = 0;
  for (const { path, bytes } of sources) {
    const before = all.length;
    let found = 0;
    try {
      for await (const piece of textsOf(path, signal)) {
        all.add(tokensOf(piece.text, options));
        if (piece.isLast) {
          all.add(textEnd(vocabulary));
          found += 1;
        }
        onRead(read + piece.read);
      }
      texts += found;
    } catch (error) {
      signal.throwIfAborted();
      all.cut(before);
      skip(path, (error as Error).message);
    }
    read += bytes;
    if (all.length > MOST_TOKENS) throw new Error(`A corpus has at most ${MOST_TOKENS} tokens`);
  }
  const tokens = all.joined();
  const order = Uint32Array.from(tokens.keys());
  sortByEnding(order, tokens, LONGEST_ENDING);
  return { tokens, order, texts };
}

/** Returns the tokens of a text, without the one that begins every text. */
function tokensOf(text: string, { tokenizer, vocabulary: { bos } }: LearnOptions): TokenId[] {
  const tokens = tokenizer.encode(text);
  return tokens[0] === bos ? tokens.slice(1) : tokens;
}

/** A list of tokens that grows. */
class Tokens {
  readonly #vocabulary: Vocabulary;
  #numbers: Uint16Array | Uint32Array;
  length = 0;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.#numbers = tokenArray(vocabulary, ROOM);
  }

  add(tokens: ArrayLike<number>): void {
    const needed = this.length + tokens.length;
    if (needed > this.#numbers.length) {
      const larger = tokenArray(this.#vocabulary, Math.max(needed, 2 * this.#numbers.length));
      larger.set(this.#numbers.subarray(0, this.length));
      this.#numbers = larger;
    }
    this.#numbers.set(tokens, this.length);
    this.length = needed;
  }

  /** Keeps only the first `length` numbers. */
  cut(length: number): void {
    this.length = length;
  }

  joined(): Uint16Array | Uint32Array {
    return this.#numbers.slice(0, this.length);
  }
}
