import { closeSync, openSync, readSync } from 'node:fs';
import { UsageError } from '../errors.js';

/** The most bytes of a grammar, a schema, a template or a conversation, far above what any of them has. */
export const MOST_BYTES = 2 ** 24;
const PIECE = 2 ** 16;

/**
 * Reads a file, or a pipe, that is to be small. No more than the bound is read.
 * @param what it is to be, for people
 * @throws UsageError for a file of more bytes; failures of the file system
 */
export function readSmallFile(path: string, what = 'a grammar, a schema or a template'): Buffer {
  const file = openSync(path, 'r');
  try {
    const pieces: Buffer[] = [];
    for (let bytes = 0; bytes <= MOST_BYTES; ) {
      const piece = Buffer.allocUnsafe(PIECE);
      const read = readSync(file, piece);
      if (read === 0) return Buffer.concat(pieces);
      pieces.push(piece.subarray(0, read));
      bytes += read;
    }
  } finally {
    closeSync(file);
  }
  throw new UsageError(`${path} has more than ${MOST_BYTES} bytes; give ${what}`);
}
