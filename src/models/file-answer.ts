import { differ, type FileVersion, versionOf } from './file-version.js';
import { TransferError, WRONG } from './transfer-error.js';

/** The bytes of a file that an answer brings. */
export interface Extent {
  readonly from: number;
  /** The index behind the last byte; Infinity where the answer does not tell. */
  readonly to: number;
}

/** Encodings that change bytes. Others leave the file as it is: `identity`, `aws-chunked`, an empty name. */
const COMPRESSED = /\b(x-)?(gzip|compress|deflate|br|zstd)\b/i;

/**
 * @param begun the version that the answer must be of
 * @param asked the index of the first byte that was asked for
 * @param bytes length of the whole file; undefined: unknown
 * @returns the bytes that the answer brings: the whole file where the server knows no ranges
 * @throws TransferError for an answer with another file, or with another part than was asked for
 */
export function extentOf(
  { status, headers }: Response,
  { begun, bytes }: { readonly begun: FileVersion; readonly bytes: number | undefined },
  asked: number,
): Extent {
  const version = versionOf(headers);
  if (differ(begun, version)) throw new TransferError('the file is another one now', WRONG.changed);
  const encoding = headers.get('content-encoding') ?? '';
  if (COMPRESSED.test(encoding)) throw new TransferError(encoding, WRONG.encoded);
  if (differ({ tag: undefined, bytes }, version))
    throw new TransferError(`${version.bytes} bytes instead of ${bytes}`, WRONG.length);
  if (status !== 206) return { from: 0, to: bytes ?? Infinity };
  const [, from, to] = /^bytes (\d+)-(\d+)/.exec(headers.get('content-range') ?? '') ?? [];
  const extent = { from: Number(from), to: Number(to) + 1 };
  if (extent.from !== asked || !(extent.to <= (bytes ?? Infinity)))
    throw new TransferError('other bytes than were asked for', WRONG.mixed);
  return extent;
}
