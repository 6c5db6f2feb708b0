import type { Tokenizer } from '../engine/engine.js';
import type { TokenId } from '../types.js';

/** Tokens that a character may be spread over. More than that, and the text really ends in U+FFFD. */
const MAX_HELD = 8;

/** Tokens of context that decide whether a space belongs before the next one. */
const CONTEXT = 4;

/** Turns tokens into text as they come, holding back those that end in the middle of a character. */
export class Detokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #special: boolean;
  #previous: readonly TokenId[];
  #held: TokenId[] = [];

  /** @param special whether special tokens are text, under their names */
  constructor(tokenizer: Tokenizer, prompt: readonly TokenId[], special = false) {
    this.#tokenizer = tokenizer;
    this.#special = special;
    this.#previous = prompt.slice(-CONTEXT);
  }

  /** @returns the text that is now complete, often empty */
  push(token: TokenId): string {
    this.#held.push(token);
    const text = this.#text();
    return text.endsWith('\uFFFD') && this.#held.length < MAX_HELD ? '' : this.#release(text);
  }

  /** @returns what is still held back, complete or not */
  flush(): string {
    return this.#release(this.#text());
  }

  #text(): string {
    return this.#tokenizer.decode(this.#held, this.#previous, this.#special);
  }

  #release(text: string): string {
    this.#previous = [...this.#previous, ...this.#held].slice(-CONTEXT);
    this.#held = [];
    return text;
  }
}
