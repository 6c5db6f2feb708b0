import type { Tokenizer } from '../engine/port.js';
import type { TokenId } from '../types.js';

/** The letter that stands for bytes that form no character, or no whole one yet. */
export const BROKEN = '\uFFFD';

/** The most tokens that a character may be spread over. Behind more tokens the text is truly broken. */
const MAX_HELD = 8;

/** Number of previous tokens that decide whether a space belongs before the next token. */
const CONTEXT = 4;

/**
 * Turns tokens into text as they come. Tokens that end within a character are held back, and so are tokens without text:
 * whether a space belongs before the next word shows only with the next token that has text.
 */
export class Detokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #isShown: (token: TokenId) => boolean;
  #previous: readonly TokenId[];
  #held: TokenId[] = [];

  /** @param isShown whether a control token is shown by its name; undefined: none is */
  constructor(
    tokenizer: Tokenizer,
    prompt: readonly TokenId[],
    isShown: (token: TokenId) => boolean = () => false,
  ) {
    this.#tokenizer = tokenizer;
    this.#isShown = isShown;
    this.#previous = prompt.slice(-CONTEXT);
  }

  /** @returns the text that is now complete, which is often empty */
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

  /** @returns the text that is held back, complete or not */
  flush(): string {
    return this.#release(this.#text());
  }

  #text(): string {
    return this.#tokenizer.decode(this.#held, this.#previous);
  }

  /** @returns the part of a broken text before its last character, which may still be completed */
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
