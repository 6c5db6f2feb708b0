import { basename } from 'node:path';
import { ModelFileError } from '../errors.js';
import { type Address, addressText } from './address.js';
import type { Asking } from './ask.js';
import { bytesText } from './bytes-text.js';
import { freeBytes, isWriteFailure } from './disk-failures.js';
import type { FolderLock } from './folder-lock.js';
import { tryLength } from './partial-file.js';
import { kept, leftovers, type Places } from './places.js';
import { type RemoteFile, refusal } from './remote.js';
import { transfer } from './transfer.js';
import { TransferError, WRONG } from './transfer-error.js';

/** Progress of the download of one file. */
export interface DownloadProgress {
  readonly file: string;
  /** Bytes so far, those of earlier tries included. */
  readonly bytes: number;
  /** Bytes of the whole file; undefined: the server does not tell. */
  readonly total: number | undefined;
  readonly state: 'loading' | 'checking' | 'done';
}

/** Listeners of a download, and its waiting times. */
export interface ReceiveOptions extends Asking {
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Called with details for the curious. */
  readonly log?: ((line: string) => void) | undefined;
  /** Milliseconds without a new byte after which the download fails; default 30,000. */
  readonly stallMs?: number | undefined;
  /** Milliseconds before the first new try; later ones wait longer. Default 500. */
  readonly retryMs?: number | undefined;
}

type Sentence = (host: string, file: string, reason: string) => string;

const OTHERWISE = 'fetch the file by other means and give its path';

/** By the code of a wrong answer: what the server gave instead of the file, and what the user can do. */
const WRONG_ANSWERS: ReadonlyMap<string | undefined, Sentence> = new Map([
  [
    WRONG.changed,
    (host, file) =>
      `${host} gives another ${file} than was begun; run the same command again, or give another address if that stays so`,
  ],
  [
    WRONG.mixed,
    (host, file) =>
      `${host} gives other bytes of ${file} than it is asked for, and all is deleted; ${OTHERWISE}`,
  ],
  [
    WRONG.unlike,
    (host, file, path) =>
      `${host} gives other bytes of ${file} than those that are kept; try again, or delete ${path} to begin anew`,
  ],
  [
    WRONG.encoded,
    (host, file, encoding) =>
      `${host} sends ${file} compressed (Content-Encoding: ${encoding}), though it was asked not to; ${OTHERWISE}`,
  ],
  [
    WRONG.longer,
    (host, file, most) =>
      `${host} sends more as ${file} than ${most}, and all is deleted; check the address, or ${OTHERWISE}`,
  ],
  [
    WRONG.length,
    (host, file, lengths) => `What ${host} sends as ${file} has ${lengths}; try again, or check the address`,
  ],
  [WRONG.nothing, (host, file) => `${host} sends nothing as ${file}; check the address`],
  [WRONG.noModel, (host, file, wrong) => `What ${host} sends as ${file} ${wrong}; check the address`],
]);

/** Codes after which the partial file is deleted. The other wrong answers have changed no byte of it. */
const USELESS: ReadonlySet<string | undefined> = new Set([WRONG.mixed, WRONG.longer, WRONG.noModel]);

const REPORT_MS = 100;

/**
 * Downloads one file. Where that fails, the error says how much is kept.
 * @returns the SHA-256 of the file, where the hub tells one to compare
 * @throws ModelFileError; the signal's reason; failures of the file system
 */
export async function receive(
  remote: RemoteFile,
  places: Places,
  address: Address,
  lock: FolderLock,
  { signal, onProgress, onNotice, log, stallMs, retryMs }: ReceiveOptions,
): Promise<string | undefined> {
  const { url, credentials, bytes: total, begun, validator, sha256 } = remote;
  const { partials, path, partial } = places;
  const file = basename(path);
  const { host } = new URL(url);
  const before = await kept(remote, places);
  const hashed = sha256 !== undefined;
  if (before !== total) onProgress?.({ file, bytes: before, total, state: 'loading' });
  if (before > 0 && hashed) onProgress?.({ file, bytes: before, total, state: 'checking' });
  let reported = 0; // ms
  const onBytes = (bytes: number) => {
    if (Date.now() - reported < REPORT_MS) return;
    reported = Date.now();
    onProgress?.({ file, bytes, total, state: 'loading' });
  };
  try {
    if (total !== undefined) await tryLength(partial, total);
    const room = await freeBytes(partials);
    const { remove } = lock;
    const job = { url, credentials, path: partial, begun, validator, bytes: total, room, hashed, remove };
    return await transfer(job, {
      signal: AbortSignal.any(signal ? [signal, lock.lost] : [lock.lost]),
      onBytes,
      log,
      stallMs,
      retryMs,
    });
  } catch (error) {
    if (!(await lock.isHeld())) throw error;
    const failure = error instanceof TransferError ? error : undefined;
    const wrong = WRONG_ANSWERS.get(failure?.code);
    const mayHaveHoles = isWriteFailure(error) && !hashed;
    const isUseless = mayHaveHoles || USELESS.has(failure?.code);
    const useless = isUseless ? [partial] : await leftovers(remote, places);
    for (const one of useless) await lock.remove(one);
    const bytes = await kept(remote, places);
    const rest = bytes
      ? `${bytesText(bytes)} of ${bytesText(total!)} are kept; the same command continues`
      : 'nothing is kept yet; the same command begins anew';
    if (signal?.aborted) onNotice?.(`${file}: ${rest}`);
    if (!failure || isWriteFailure(error)) throw error;
    const { status, reason } = failure;
    if (wrong) throw new ModelFileError(wrong(host, file, reason), { cause: error });
    throw new ModelFileError(
      status !== undefined && status < 500
        ? `${host} stopped giving ${addressText(address)}: ${refusal(status, credentials, address)}`
        : `The connection to ${host} was lost (${reason}). ${file}: ${rest}`,
      { cause: error },
    );
  }
}
