import { bytesText } from './bytes-text.js';
import { HeaderError, HeaderLength } from './header-length.js';
import { TransferError, WRONG } from './transfer-error.js';

/** Bytes that may come after the last tensor, where the header alone tells how long a file is. */
const BEHIND = 2 ** 20;

/**
 * @param told bytes of the file; undefined where nobody tells: then its header does, and the disk
 * @param room bytes that the disk has for it
 * @returns a function for each piece of the file in turn, which throws a TransferError where more comes than can belong to it
 */
export function lengthLimit(told: number | undefined, room: number): (piece: Uint8Array) => void {
  const header = new HeaderLength();
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

/** @returns bytes of a file, once they are known; Infinity where its header does not tell them */
function mostIn(header: HeaderLength, piece: Uint8Array): number | undefined {
  try {
    const length = header.push(piece);
    return length && (length.isExact ? length.least : Infinity);
  } catch (error) {
    if (error instanceof HeaderError) throw new TransferError(error.message, WRONG.noModel);
    throw error;
  }
}
