import { byteNames } from './token-bytes.js';
import type { Vocabulary } from './vocabulary.js';

/** @returns a function for the least number of tokens of a text, from its length and the longest token; 0: unknown */
export function fewestTokens(vocabulary: Vocabulary): (text: string) => number {
  let longest: number | undefined; // worked out when it is first asked for: some ten milliseconds
  return (text) => {
    longest ??= longestToken(vocabulary);
    return Math.ceil(Buffer.byteLength(text) / longest);
  };
}

/**
 * @returns the most bytes of a text that one token stands for; Infinity where a text may lose bytes before it is read. The
 *   name of a token is never shorter than its text: a space takes two or three bytes in a name
 */
function longestToken({ kind, names }: Vocabulary): number {
  const known = new Set(names);
  const losesNothing =
    (kind === 'bpe' || kind === 'spm') &&
    UTF8_BYTES.every((byte) => byteNames(byte).some((name) => known.has(name)));
  return losesNothing
    ? names.reduce((longest, name) => Math.max(longest, Buffer.byteLength(name)), 1)
    : Number.POSITIVE_INFINITY;
}

/** All that a text can hold. */
const UTF8_BYTES = Array.from({ length: 0xf5 }, (_, byte) => byte).filter(
  (byte) => byte !== 0xc0 && byte !== 0xc1,
);
