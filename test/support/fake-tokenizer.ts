import type { Tokenizer } from '../../src/engine/engine.js';

/** Ends the text and has none itself. */
export const BYTE_END = 256;

/** The first of the tokens that stand for several bytes. */
export const FIRST_PIECE = 257;

/**
 * One token per byte, and one per piece given. As in many real tokenizers, the space before the first word of
 * a text disappears: only who tells `decode` what came before gets the right spaces.
 */
export function fakeTokenizer(...pieces: readonly Uint8Array[]): Tokenizer {
  const bytesOf = (token: number) =>
    token < BYTE_END ? [token] : token === BYTE_END ? [] : [...pieces[token - FIRST_PIECE]!];
  return {
    encode: (text) => [...new TextEncoder().encode(text)],
    decode(tokens, previous) {
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
        Uint8Array.from(tokens.flatMap(bytesOf)),
      );
      return previous.length === 0 ? text.replace(/^ /, '') : text;
    },
    isEndOfGeneration: (token) => token === BYTE_END,
  };
}
