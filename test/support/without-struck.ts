/** What is left of a terminal's text without what is struck out. */
export function withoutStruck(text: string): string {
  const [first, ...rest] = text.split('\u001B[9m');
  return first + rest.map((part) => part.slice(part.indexOf('\u001B[29m') + 5)).join('');
}
