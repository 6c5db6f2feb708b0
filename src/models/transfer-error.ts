/** Why a download ended early. */
export class TransferError extends Error {
  /**
   * @param code one of WRONG, or of the file system
   * @param status with which the server refused to go on
   */
  constructor(
    readonly reason: string,
    readonly code?: string,
    readonly status?: number,
  ) {
    super(`Transfer ended: ${reason}`);
  }
}

/** Codes of a TransferError over an answer that is not the file that was asked for. */
export const WRONG = {
  changed: 'CHANGED', // the server has another version now
  mixed: 'MIXED', // bytes from elsewhere in the file
  unlike: 'UNLIKE', // the whole file, which does not begin with the bytes that are kept; the reason is where those are
  encoded: 'ENCODED', // compressed; the reason is how
  length: 'LENGTH', // of the whole file; the reason says which
  longer: 'LONGER', // than the reason says
  nothing: 'NOTHING',
  noModel: 'NO_MODEL', // the reason ends a sentence about the file
} as const;
