import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { ModelFileError } from '../errors.js';
import { type Address, addressText } from './address.js';
import { bytesText } from './bytes-text.js';
import { isWriteFailure } from './disk-failures.js';
import type { DownloadOptions } from './download.js';
import { cutPlanOff } from './partial-file.js';
import { kept, leftovers, type Places } from './places.js';
import { type RemoteFile, refusal } from './remote.js';
import { CHANGED, TransferError, transfer } from './transfer.js';

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
  const job = { url, headers: credentials, folder: partials, name, begun };
  try {
    await transfer(job, { signal: AbortSignal.any(signal ? [signal, lost] : [lost]), onBytes, log, stallMs });
  } catch (error) {
    if (lost.aborted) throw error;
    const saysMoreThanItHolds = isWriteFailure(error);
    const useless = saysMoreThanItHolds ? [complete, partial] : await leftovers(remote, places);
    for (const one of useless) await rm(one, { force: true });
    const bytes = await kept(remote, places);
    const rest = bytes
      ? `${bytesText(bytes)} of ${bytesText(total!)} are kept; the same command continues`
      : 'nothing is kept yet; the same command begins anew';
    if (signal?.aborted) onNotice?.(`${file}: ${rest}`);
    if (!(error instanceof TransferError) || saysMoreThanItHolds) throw error;
    const { status, reason, code } = error;
    if (code === CHANGED)
      throw new ModelFileError(
        `${host} gives another ${file} than was begun; run the same command again, or give another address if that stays so`,
        { cause: error },
      );
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
