import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { ModelFileError } from '../errors.js';
import { type Address, addressText } from './address.js';
import { bytesText } from './bytes-text.js';
import { freeBytes, isWriteFailure } from './disk-failures.js';
import type { DownloadOptions } from './download.js';
import { cutPlanOff } from './partial-file.js';
import { kept, leftovers, type Places } from './places.js';
import { type RemoteFile, refusal } from './remote.js';
import { TransferError, transfer, WRONG } from './transfer.js';

type Sentence = (host: string, file: string, reason: string) => string;

const OTHERWISE = 'fetch the file by other means and give its path';

/** What a server gave that is not the file, and what to do. */
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
    WRONG.shorter,
    (host, file) => `${host} gives shorter parts of ${file} than it is asked for; ${OTHERWISE}`,
  ],
  [WRONG.noModel, (host, file, wrong) => `What ${host} sends as ${file} ${wrong}; check the address`],
]);

/** Downloads it, and tells what is kept where that fails. */
export async function receive(
  remote: RemoteFile,
  places: Places,
  address: Address,
  lost: AbortSignal,
  { signal, onProgress, onNotice, log, stallMs }: DownloadOptions,
): Promise<void> {
  const { url, credentials, bytes: total, begun } = remote;
  const { partials, name, path, complete, partial } = places;
  const file = basename(path);
  const { host } = new URL(url);
  const onBytes = (bytes: number) => onProgress?.({ file, bytes, total, state: 'loading' });
  const room = await freeBytes(partials);
  const job = { url, headers: credentials, folder: partials, name, begun, bytes: total, room };
  try {
    await transfer(job, { signal: AbortSignal.any(signal ? [signal, lost] : [lost]), onBytes, log, stallMs });
  } catch (error) {
    if (lost.aborted) throw error;
    const failure = error instanceof TransferError ? error : undefined;
    const wrong = WRONG_ANSWERS.get(failure?.code);
    const saysMoreThanItHolds = isWriteFailure(error);
    const isUseless = saysMoreThanItHolds || (wrong && failure?.code !== WRONG.changed);
    const useless = isUseless ? [complete, partial] : await leftovers(remote, places);
    for (const one of useless) await rm(one, { force: true });
    const bytes = await kept(remote, places);
    const rest = bytes
      ? `${bytesText(bytes)} of ${bytesText(total!)} are kept; the same command continues`
      : 'nothing is kept yet; the same command begins anew';
    if (signal?.aborted) onNotice?.(`${file}: ${rest}`);
    if (!failure || saysMoreThanItHolds) throw error;
    const { status, reason } = failure;
    if (wrong) throw new ModelFileError(wrong(host, file, reason), { cause: error });
    throw new ModelFileError(
      status !== undefined && status < 500
        ? `${host} stopped giving ${addressText(address)}: ${refusal(status, credentials, address)}`
        : `The connection to ${host} was lost (${reason}). ${file}: ${rest}`,
      { cause: error },
    );
  }
  if (total !== undefined) await cutPlanOff(complete, total);
  if (!existsSync(complete))
    throw new ModelFileError(`${host} sends nothing as ${file}; check the address ${addressText(address)}`);
}
