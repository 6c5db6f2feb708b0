import { bytesText } from './bytes-text.js';
import { HeaderError } from './gguf-bytes.js';
import { GgufReader } from './gguf-reader.js';
import { TransferError, WRONG } from './transfer-error.js';

/** Bytes that may follow the last tensor, where only the header tells the length of a file. */
const BEHIND = 2 ** 20;

/**
 * @param told bytes of the file; undefined: no server tells, and its header and the disk set the limit
 * @param room bytes that the disk has room for
 * @returns a function to call with each piece of the file in turn; it throws a TransferError once too much has come
 */
export function lengthLimit(told: number | undefined, room: number): (piece: Uint8Array) => void {
  const header = new GgufReader();
  let came = 0;
  let length = told;
  return (piece) => {
    came += piece.length;
    length ??= mostIn(header, piece);
    const most = told ?? (length === undefined ? Infinity : length + BEHIND);
    const source = told === undefined ? 'that its header tells of' : 'that were to come';
    if (came > most) throw new TransferError(`the ${bytesText(length!)} ${source}`, WRONG.longer);
    if (told === undefined && came > room) throw new TransferError('the disk is full', 'ENOSPC');
  };
}

/** @returns the length of a file in bytes: undefined before its header is read, Infinity where the header does not tell */
function mostIn(header: GgufReader, piece: Uint8Array): number | undefined {
  try {
    const read = header.push(piece);
    return read && (read.isExact ? read.least : Infinity);
  } catch (error) {
    if (error instanceof HeaderError) throw new TransferError(error.message, WRONG.noModel);
    throw error;
  }
}
