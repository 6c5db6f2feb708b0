import type { Tokenizer } from '../engine/port.js';
import type { TokenId } from '../types.js';

/** What bytes that are no character, or not yet, are decoded to. */
const BROKEN = '\uFFFD';

/** Tokens that a character may be spread over. More than that, and the text really is broken. */
const MAX_HELD = 8;

/** Tokens of context that decide whether a space belongs before the next one. */
const CONTEXT = 4;

/**
 * Turns tokens into text as they come, holding back those that end in the middle of a character and those without any
 * text: whether a space belongs before the next word shows only together with a token that has some.
 */
export class Detokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #isShown: (token: TokenId) => boolean;
  #previous: readonly TokenId[];
  #held: TokenId[] = [];

  /** @param isShown whether a control token is text, by its name; undefined = none is */
  constructor(
    tokenizer: Tokenizer,
    prompt: readonly TokenId[],
    isShown: (token: TokenId) => boolean = () => false,
  ) {
    this.#tokenizer = tokenizer;
    this.#isShown = isShown;
    this.#previous = prompt.slice(-CONTEXT);
  }

  /** @returns the text that is now complete, often empty */
  push(token: TokenId): string {
    if (this.#isShown(token)) {
      const before = this.flush();
      this.#held = [token];
      return before + this.#release(this.#tokenizer.decode([token], [], true));
    }
    this.#held.push(token);
    const text = this.#text();
    if (text !== '' && !text.endsWith(BROKEN)) return this.#release(text);
    return text === '' || this.#held.length < MAX_HELD ? '' : this.#releaseBroken(text);
  }

  /** @returns what is still held back, complete or not */
  flush(): string {
    return this.#release(this.#text());
  }

  #text(): string {
    return this.#tokenizer.decode(this.#held, this.#previous);
  }

  /** Of a text that really is broken, what stands before the last character: that one may still be completed. */
  #releaseBroken(text: string): string {
    for (let split = this.#held.length - 1; split > 0; split--) {
      const rest = this.#held.slice(split);
      const shown = this.#tokenizer.decode(this.#held.slice(0, split), this.#previous);
      // Cut inside a character, both its parts would be broken.
      if (shown + this.#tokenizer.decode(rest, []) !== text) continue;
      this.#held = this.#held.slice(0, split);
      this.#release(shown);
      this.#held = rest;
      return shown;
    }
    return '';
  }

  #release(text: string): string {
    this.#previous = [...this.#previous, ...this.#held].slice(-CONTEXT);
    this.#held = [];
    return text;
  }
}
