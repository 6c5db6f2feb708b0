import { differ, type FileVersion, versionOf } from './file-version.js';
import { TransferError, WRONG } from './transfer-error.js';

/** Which bytes of a file an answer brings. */
export interface Extent {
  readonly from: number;
  /** Not included; Infinity where the answer does not tell. */
  readonly to: number;
}

/** Encodings that change bytes. Others are said of files as they are: `identity`, `aws-chunked`, nothing. */
const COMPRESSED = /\b(x-)?(gzip|compress|deflate|br|zstd)\b/i;

/**
 * @param begun the version that the answer must be of
 * @param asked the first byte that was asked for
 * @param bytes of the whole file, where that is known
 * @returns what the answer brings: all from the first byte where the server knows no ranges
 * @throws TransferError for an answer that is not the file, or not the part of it that was asked for
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
