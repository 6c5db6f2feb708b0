import type { Prefix, TokenId } from '../types.js';
import { commonPrefix } from './held.js';

/**
 * The committed text, as far as a cache has seen it. It refers to the array of the text, to which the caller appends, and
 * never copies it. A text in another array is compared with the last text, token by token. In the same array, only a change
 * of the length or of the last seen token is noticed, so callers only append.
 */
export class SeenText {
  #text: Prefix = []; // its first `#length` tokens were seen
  #length = 0;
  #last: TokenId | undefined; // the last token that was seen

  get length(): number {
    return this.#length;
  }

  /**
   * Takes notice of a text.
   * @returns the number of first tokens of the text before that the new text has too; 0: unknown, where the array itself was
   *   changed
   */
  follow(text: Prefix): number {
    const known = text === this.#text ? this.#knownOfSame() : commonPrefix(this.#text, text, this.#length);
    this.#text = text;
    this.#length = text.length;
    this.#last = text.at(-1);
    return known;
  }

  #knownOfSame(): number {
    const isKnown = this.#text.length >= this.#length && this.#text[this.#length - 1] === this.#last;
    return isKnown ? this.#length : 0;
  }
}
