import type { Tokenizer } from '../../src/engine/port.js';

/** Ends the text and has none itself. */
export const BYTE_END = 256;

/** The first of the tokens that stand for several bytes, or are control tokens. */
export const FIRST_PIECE = 257;

/**
 * One token per byte, and one per piece given: bytes, or the name of a control token. As in many real tokenizers, the space before the first word of
 * a text disappears: only who tells `decode` what came before gets the right spaces.
 */
export function fakeTokenizer(...pieces: readonly (Uint8Array | string)[]): Tokenizer {
  const isControl = (token: number) =>
    token === BYTE_END || (token >= FIRST_PIECE && typeof pieces[token - FIRST_PIECE] === 'string');
  const bytesOf = (token: number, special: boolean) => {
    if (token < BYTE_END) return [token];
    if (isControl(token) && !special) return [];
    const piece = token === BYTE_END ? '<end>' : pieces[token - FIRST_PIECE]!;
    return [...(typeof piece === 'string' ? new TextEncoder().encode(piece) : piece)];
  };
  return {
    encode: (text) => [...new TextEncoder().encode(text)],
    fewestTokens: (text) => new TextEncoder().encode(text).length,
    decode(tokens, previous, special = false) {
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
        Uint8Array.from(tokens.flatMap((token) => bytesOf(token, special))),
      );
      return previous.length === 0 ? text.replace(/^ /, '') : text;
    },
    isControl,
    isEndOfGeneration: (token) => token === BYTE_END,
  };
}
