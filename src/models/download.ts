import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ModelFileError } from '../errors.js';
import { type Address, addressText } from './address.js';
import type { Asking } from './ask.js';
import { checkFile, sha256Of } from './check-file.js';
import { explained, isWriteFailure } from './disk-failures.js';
import { lockFolder } from './folder-lock.js';
import { modelsFolder, PARTIAL } from './models-folder.js';
import { bytesKept, cutPlanOff, layOut, renew } from './partial-file.js';
import { locate, type RemoteFile, refusal } from './remote.js';
import { CHANGED, TransferError, transfer } from './transfer.js';

/** How far the download of one file has come. */
export interface DownloadProgress {
  readonly file: string;
  readonly bytes: number; // so far, what an earlier try left included
  readonly total: number | undefined; // bytes
  readonly state: 'loading' | 'checking' | 'done';
}

/** Where a download goes, and who is told of it. */
export interface DownloadOptions extends Asking {
  readonly modelsDir?: string | undefined;
  readonly verify?: boolean | undefined; // also what is there already, by the hub's checksum
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly log?: ((line: string) => void) | undefined;
  readonly stallMs?: number | undefined; // without a byte, after which a download is given up
}

export interface DownloadedModel {
  readonly path: string; // of the first part of several
  readonly bytes: number; // all parts
  readonly sha256: string | null; // the hub's, where `checked`; null for several parts
  readonly checked: boolean; // whether the files were compared with the hub's checksums
  readonly downloaded: boolean; // false: it was there
}

/**
 * Brings a model into the models folder, unless what the server has is there. Of a download that ends early, what came
 * is kept for the next try where the server tells versions apart; a file gets its name once it is complete and right.
 * @throws ModelFileError; the signal's reason
 */
export async function download(address: Address, options: DownloadOptions): Promise<DownloadedModel> {
  const folder = modelsFolder(options.modelsDir);
  const remotes = await locate(address, options);
  const files: DownloadedModel[] = [];
  try {
    await refuseFullDisk(remotes, folder);
    for (const remote of remotes) files.push(await fetchFile(remote, folder, address, options));
  } catch (error) {
    throw explained(error as NodeJS.ErrnoException, folder);
  }
  const [first] = files as [DownloadedModel];
  return {
    path: first.path,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    sha256: files.length === 1 ? first.sha256 : null,
    checked: files.every(({ checked }) => checked),
    downloaded: files.some(({ downloaded }) => downloaded),
  };
}

/** The paths of one file on its way. */
interface Places {
  readonly path: string; // where it belongs
  readonly partials: string; // a folder of its own
  readonly name: string; // in that folder, of one version
  readonly complete: string; // all of it, not checked yet
  readonly partial: string;
}

function placesOf({ place, version = 'unknown' }: RemoteFile, folder: string): Places {
  const partials = join(folder, PARTIAL, place);
  const name = createHash('sha256').update(version).digest('hex').slice(0, 16); // never mixes two versions
  const complete = join(partials, name);
  return { path: join(folder, place), partials, name, complete, partial: `${complete}.ipull` };
}

async function fetchFile(
  remote: RemoteFile,
  folder: string,
  address: Address,
  options: DownloadOptions,
): Promise<DownloadedModel> {
  const { signal, onNotice, onProgress } = options;
  const places = placesOf(remote, folder);
  const { path, partials, complete, partial } = places;
  const file = basename(path);
  const there = await fileThere(path, remote, options);
  if (there) return there;
  let waited = false;
  const { unlock, lost, isTakenOver } = await lockFolder(partials, {
    signal,
    onWait: () => {
      waited = true;
      onNotice?.(`another mtad downloads ${file}; waiting for it`);
    },
  });
  try {
    const there = waited && (await fileThere(path, remote, options));
    if (there) return there;
    if (remote.version === undefined) await rm(complete, { force: true });
    if (!canContinue(remote, isTakenOver)) await rm(partial, { force: true });
    else if (isTakenOver) await renew(partial, remote.bytes!);
    if (!existsSync(complete)) {
      if (remote.bytes) await layOut(partial, remote.bytes);
      onProgress?.({ file, bytes: await kept(remote, places), total: remote.bytes, state: 'loading' });
      await receive(remote, places, address, lost, options);
    }
    const { size: bytes } = await stat(complete);
    onProgress?.({ file, bytes, total: bytes, state: 'checking' });
    await checkFile(complete, remote, address, signal);
    await mkdir(dirname(path), { recursive: true });
    await rename(complete, path);
    // With what is left of other versions; not where the next one has it already.
    await rm(partials, { recursive: true, force: true }).catch(() => {});
    onProgress?.({ file, bytes, total: bytes, state: 'done' });
    const sha256 = remote.sha256 ?? null;
    return { path, bytes, sha256, checked: sha256 !== null, downloaded: true };
  } catch (error) {
    signal?.throwIfAborted();
    const there = await fileThere(path, remote, { ...options, onNotice: undefined }); // by another, while this one slept
    if (there) return there;
    if (!lost.aborted) throw error;
    await unlock();
    return fetchFile(remote, folder, address, options); // another is about it
  } finally {
    await unlock();
  }
}

/** Who did not end in order may have left holes in what it says it has, which a checksum alone tells. */
function canContinue({ version, bytes, sha256 }: RemoteFile, isTakenOver: boolean): boolean {
  return version !== undefined && bytes !== undefined && (!isTakenOver || sha256 !== undefined);
}

/** What is there under the file's name, if that is what the server has, as far as that is looked at. */
async function fileThere(
  path: string,
  remote: RemoteFile,
  { verify, signal, onNotice, onProgress }: DownloadOptions,
): Promise<DownloadedModel | undefined> {
  if (!(await hasLength(path, remote.bytes))) return undefined;
  const { size: bytes } = await stat(path);
  const unchecked = { path, bytes, sha256: null, checked: false, downloaded: false };
  const file = basename(path);
  if (verify && remote.bytes === undefined) {
    onNotice?.(`${file} is there, but its server does not tell how long it is; downloading it again`);
    return undefined;
  }
  if (!verify || remote.sha256 === undefined) return unchecked;
  onProgress?.({ file, bytes, total: bytes, state: 'checking' });
  const sha256 = await sha256Of(path, signal);
  if (sha256 === remote.sha256) return { ...unchecked, sha256, checked: true };
  onNotice?.(`${file} is there, but not as the hub has it; downloading it again`);
  return undefined;
}

/** Where the server does not tell a length, any file has the right one. */
async function hasLength(path: string, bytes: number | undefined): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() === true && (bytes === undefined || facts.size === bytes);
}

/** @returns bytes that need not come again */
async function kept({ version, bytes }: RemoteFile, { complete, partial }: Places): Promise<number> {
  if (version === undefined || bytes === undefined) return 0;
  return existsSync(complete) ? bytes : bytesKept(partial, bytes);
}

/** Before anything comes of a model that cannot come as a whole. */
async function refuseFullDisk(remotes: readonly RemoteFile[], folder: string): Promise<void> {
  let missing = 0;
  for (const remote of remotes) {
    const places = placesOf(remote, folder);
    if (!(await hasLength(places.path, remote.bytes)))
      missing += (remote.bytes ?? 0) - (await kept(remote, places));
  }
  await mkdir(folder, { recursive: true });
  const { bavail, bsize } = await statfs(folder);
  if (missing > bavail * bsize)
    throw new ModelFileError(
      `The disk of ${folder} has ${size(bavail * bsize)} free, and ${size(missing)} are to come; make room, or choose another folder with --models-dir`,
    );
}

/** Downloads it, and tells what is kept where that fails. */
async function receive(
  remote: RemoteFile,
  places: Places,
  address: Address,
  lost: AbortSignal,
  { signal, onProgress, onNotice, log, stallMs }: DownloadOptions,
): Promise<void> {
  const { url, credentials, bytes: total, begun } = remote;
  const { partials, name, path, complete } = places;
  const file = basename(path);
  const { host } = new URL(url);
  const onBytes = (bytes: number) => onProgress?.({ file, bytes, total, state: 'loading' });
  const job = { url, headers: credentials, folder: partials, name, begun };
  try {
    await transfer(job, { signal: AbortSignal.any(signal ? [signal, lost] : [lost]), onBytes, log, stallMs });
  } catch (error) {
    if (lost.aborted) throw error;
    if (isWriteFailure(error)) await rm(places.partial, { force: true }); // it says more than it holds
    const bytes = await kept(remote, places);
    const rest = bytes
      ? `${size(bytes)} of ${size(total!)} are kept; the same command continues`
      : 'nothing is kept yet; the same command begins anew';
    if (signal?.aborted) onNotice?.(`${file}: ${rest}`);
    if (!(error instanceof TransferError) || isWriteFailure(error)) throw error;
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

/** @param bytes a count, for people */
function size(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
