import type { ChatMessage } from './messages.js';

/** Letters without a meaning (private use). */
const PRIVATE = { first: 0xe000, last: 0xf8ff };

/**
 * Hides spellings in messages from a template and from the reader of its text. Each of their letters becomes a letter that
 * occurs nowhere else. So the spellings are found again in the text of the template, whatever it did with them.
 */
export class Shadow {
  readonly #hide: (text: string) => string;
  readonly #letters = new Map<string, string>(); // shadow by letter
  readonly #shadows = new Map<string, string>(); // letter by shadow
  #next = PRIVATE.first;

  /**
   * @param replace changes each spelling to hide in a text
   * @param all the messages; private letters that they contain themselves are not used
   */
  constructor(
    replace: (text: string, change: (spelling: string) => string) => string,
    all: readonly ChatMessage[],
  ) {
    const used = new Set(all.map(({ content, reasoning = '' }) => content + reasoning).join(''));
    const shadowOf = (letter: string) => {
      const known = this.#letters.get(letter);
      if (known) return known;
      while (used.has(String.fromCharCode(this.#next))) this.#next++;
      if (this.#next > PRIVATE.last) throw new Error('The messages use all private letters of Unicode');
      const shadow = String.fromCharCode(this.#next++);
      this.#letters.set(letter, shadow);
      this.#shadows.set(shadow, letter);
      return shadow;
    };
    this.#hide = (text) => replace(text, (spelling) => spelling.split('').map(shadowOf).join(''));
  }

  /** Whether nothing was hidden. */
  get isEmpty(): boolean {
    return this.#shadows.size === 0;
  }

  hidden(messages: readonly ChatMessage[]): ChatMessage[] {
    return messages.map(({ role, content, reasoning }) => ({
      role,
      content: this.#hide(content),
      ...(reasoning === undefined ? {} : { reasoning: this.#hide(reasoning) }),
    }));
  }

  /** @returns the text with the hidden letters restored */
  shown(text: string): string {
    return text.replace(/[\ue000-\uf8ff]/g, (letter) => this.#shadows.get(letter) ?? letter);
  }
}
