import type { Tokenizer } from '../engine/engine.js';
import type { TokenId } from '../types.js';

/** Tokens that a character may be spread over. More than that, and the text really ends in U+FFFD. */
const MAX_HELD = 8;

/** Tokens of context that decide whether a space belongs before the next one. */
const CONTEXT = 4;

/** Turns tokens into text as they come, holding back those that end in the middle of a character. */
export class Detokenizer {
  readonly #tokenizer: Tokenizer;
  #previous: readonly TokenId[];
  #held: TokenId[] = [];

  constructor(tokenizer: Tokenizer, prompt: readonly TokenId[]) {
    this.#tokenizer = tokenizer;
    this.#previous = prompt.slice(-CONTEXT);
  }

  /** @returns the text that is now complete, often empty */
  push(token: TokenId): string {
    this.#held.push(token);
    const text = this.#tokenizer.decode(this.#held, this.#previous);
    return text.endsWith('\uFFFD') && this.#held.length < MAX_HELD ? '' : this.#release(text);
  }

  /** @returns what is still held back, complete or not */
  flush(): string {
    return this.#release(this.#tokenizer.decode(this.#held, this.#previous));
  }

  #release(text: string): string {
    this.#previous = [...this.#previous, ...this.#held].slice(-CONTEXT);
    this.#held = [];
    return text;
  }
}
