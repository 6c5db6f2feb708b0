/** A transfer that ended early, and its reason. */
export class TransferError extends Error {
  /**
   * @param code a value of WRONG, or a code of the file system
   * @param status the status of the server's refusal
   */
  constructor(
    readonly reason: string,
    readonly code?: string,
    readonly status?: number,
  ) {
    super(`Transfer ended: ${reason}`);
  }
}

/** Codes of a TransferError for an answer with anything but the file. */
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
