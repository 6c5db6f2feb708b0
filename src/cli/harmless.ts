/** Control characters but tabs and line breaks, and marks that turn the direction of writing. */
const HARMFUL = /(?![\t\n]|\r\n)\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * Returns a text as a terminal may show it: characters that command it are written as JSON writes them, as in \u001b. Texts of
 * models, of their files, of prompts and of servers can hold any.
 */
export function harmless(text: string): string {
  return text.replaceAll(HARMFUL, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
