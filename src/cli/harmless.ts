/**
 * Control characters but tabs and line breaks, and marks that turn the direction of writing. U+061C, U+200E and U+200F are
 * left: they are ordinary in Hebrew and Arabic, and turn nothing but the mark beside them.
 */
const HARMFUL = /(?![\t\n]|\r\n)\p{Cc}|[\u2028-\u202e\u2066-\u2069]/gu;

/**
 * Returns a text as a terminal may show it: characters that command it are written as JSON writes them, as in \u001b. Texts of
 * models, of their files, of prompts and of servers can hold any.
 */
export function harmless(text: string): string {
  return text.replaceAll(HARMFUL, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same for a text that comes in pieces. A final \r waits for the next piece, which may make a line break of it. */
export class HarmlessPieces {
  #held = '';

  next(text: string): string {
    const all = this.#held + text;
    this.#held = all.endsWith('\r') ? '\r' : '';
    return harmless(all.slice(0, all.length - this.#held.length));
  }

  /** @returns what was held back */
  end(): string {
    const rest = harmless(this.#held);
    this.#held = '';
    return rest;
  }
}
