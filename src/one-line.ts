/** What breaks a line, commands a terminal, or turns the direction of writing. */
const BREAKS = /[\s\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu;

/** Returns the words of others, as of a file, a template or a server, in one line. @param most characters that are looked at */
export function oneLine(text: string, most?: number): string {
  return text.slice(0, most).replaceAll(BREAKS, ' ').trim();
}
