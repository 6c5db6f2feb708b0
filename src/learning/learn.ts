import { LONGEST_ENDING } from '../drafting/corpus.js';
import type { Tokenizer } from '../engine/port.js';
import { sortByEnding } from '../math/sort-endings.js';
import type { Vocabulary } from '../models/header.js';
import type { TokenId } from '../types.js';
import { type Source, textsOf } from './texts.js';

/** Tokens in 16 bits. */
const SHORT = 2 ** 16;

/** Positions in 32 bits. */
const MOST_TOKENS = 2 ** 32 - 1;

/** What a corpus is made of. */
export interface Learned {
  readonly tokens: Uint16Array | Uint32Array;
  readonly order: Uint32Array;
  readonly texts: number;
}

export interface LearnOptions {
  readonly tokenizer: Tokenizer;
  readonly vocabulary: Vocabulary;
  /** Tokens of a corpus that is gone on with. */
  readonly earlier?: { readonly tokens: ArrayLike<number>; readonly texts: number } | undefined;
  readonly signal: AbortSignal;
  /** Hears of bytes that are read, of all files together. */
  readonly onRead: (bytes: number) => void;
  /** Hears of files that were left out, and why. */
  readonly skip: (path: string, why: string) => void;
}

/** Reads texts and sorts their places. A file that cannot be read to its end is left out as a whole. */
export async function learn(sources: readonly Source[], options: LearnOptions): Promise<Learned> {
  const { vocabulary, earlier, signal, onRead, skip } = options;
  const all = new Tokens(vocabulary.tokens.length < SHORT);
  if (earlier) all.add(earlier.tokens);
  let texts = earlier?.texts ?? 0;
  let read = 0;
  for (const { path, bytes } of sources) {
    const before = all.length;
    let found = 0;
    try {
      for await (const piece of textsOf(path, signal)) {
        all.add(tokensOf(piece.text, options));
        if (piece.isLast) {
          if (vocabulary.eos !== undefined) all.add([vocabulary.eos]);
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

/** Without the token that begins every text. */
function tokensOf(text: string, { tokenizer, vocabulary: { bos } }: LearnOptions): TokenId[] {
  const tokens = tokenizer.encode(text);
  return tokens[0] === bos ? tokens.slice(1) : tokens;
}

/** A list of numbers that grows. */
class Tokens {
  #numbers: Uint16Array | Uint32Array;
  length = 0;

  constructor(isShort: boolean) {
    this.#numbers = isShort ? new Uint16Array(SHORT) : new Uint32Array(SHORT);
  }

  add(tokens: ArrayLike<number>): void {
    const needed = this.length + tokens.length;
    if (needed > this.#numbers.length) {
      const size = Math.max(needed, 2 * this.#numbers.length);
      const larger = this.#numbers instanceof Uint16Array ? new Uint16Array(size) : new Uint32Array(size);
      larger.set(this.#numbers.subarray(0, this.length));
      this.#numbers = larger;
    }
    this.#numbers.set(tokens, this.length);
    this.length = needed;
  }

  /** Forgets all but the first ones. */
  cut(length: number): void {
    this.length = length;
  }

  joined(): Uint16Array | Uint32Array {
    return this.#numbers.slice(0, this.length);
  }
}
