/** A lone half of a pair in UTF-16, which no character has; plus the byte. */
const BYTE = 0xdc00;

/**
 * Returns the UTF-8 text at a place. Different bytes are different texts: a byte that belongs to no character becomes a lone
 * surrogate, U+DC80 to U+DCFF, as in Python's `surrogateescape`.
 */
export function losslessText(from: Buffer, start: number, end: number): string {
  const text = from.toString('utf8', start, end);
  if (!text.includes('\ufffd')) return text;
  let parts = '';
  for (let at = start; at < end; ) {
    const next = Math.min(end, at + lengthOf(from[at]!));
    const one = from.toString('utf8', at, next);
    const isCharacter = Buffer.from(one).equals(from.subarray(at, next));
    parts += isCharacter ? one : String.fromCharCode(BYTE + from[at]!);
    at = isCharacter ? next : at + 1;
  }
  return parts;
}

/** @returns the bytes of a character that begins so, if it is one */
function lengthOf(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
