import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ModelFileError } from '../errors.js';
import { type Address, addressText } from './address.js';
import type { Asking } from './ask.js';
import { lockFolder } from './folder-lock.js';
import { modelsFolder, PARTIAL } from './models-folder.js';
import { locate, type RemoteFile, refusal } from './remote.js';
import { TransferError, transfer } from './transfer.js';

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
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly log?: ((line: string) => void) | undefined;
  readonly stallMs?: number | undefined; // without a byte, after which a download is given up
}

export interface DownloadedModel {
  readonly path: string; // of the first part of several
  readonly bytes: number; // all parts
  readonly sha256: string | null; // as the hub gives it; null for several parts
  readonly checked: boolean; // whether what came was compared with the hub's checksum
  readonly downloaded: boolean; // false: it was there
}

/**
 * Brings a model into the models folder, unless what the server has is there. Of a download that ends early, what came
 * is kept for the next try; a file gets its name once it is complete and right.
 * @throws ModelFileError; the signal's reason
 */
export async function download(address: Address, options: DownloadOptions): Promise<DownloadedModel> {
  const folder = modelsFolder(options.modelsDir);
  const remotes = await locate(address, options);
  const files: DownloadedModel[] = [];
  try {
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

async function fetchFile(
  remote: RemoteFile,
  folder: string,
  address: Address,
  options: DownloadOptions,
): Promise<DownloadedModel> {
  const { signal, onNotice } = options;
  const path = join(folder, remote.place);
  const sha256 = remote.sha256 ?? null;
  const there = async () => ({
    path,
    sha256,
    checked: false,
    downloaded: false,
    bytes: (await stat(path)).size,
  });
  if (await isThere(path, remote)) return there();
  const partials = join(folder, PARTIAL, remote.place);
  const unlock = await lockFolder(partials, {
    signal,
    onWait: () => onNotice?.(`another mtad downloads ${basename(path)}; waiting for it`),
  });
  try {
    if (await isThere(path, remote)) return await there();
    const name = createHash('sha256').update(remote.version).digest('hex').slice(0, 16); // never mixes two versions
    const partial = join(partials, `${name}.ipull`);
    const kept = await bytesKept(partial);
    await refuseFullDisk(partials, (remote.bytes ?? 0) - kept);
    await claimLength(partial, remote.bytes ?? 0);
    options.onProgress?.({ file: basename(path), bytes: kept, total: remote.bytes, state: 'loading' });
    await receive(remote, partials, name, address, options);
    const complete = join(partials, name);
    const { size: bytes } = await stat(complete);
    options.onProgress?.({ file: basename(path), bytes, total: bytes, state: 'checking' });
    await check(complete, remote, address, signal);
    await mkdir(dirname(path), { recursive: true });
    await rename(complete, path);
    await rm(partials, { recursive: true, force: true }); // with what is left of other versions
    options.onProgress?.({ file: basename(path), bytes, total: bytes, state: 'done' });
    return { path, bytes, sha256, checked: sha256 !== null, downloaded: true };
  } finally {
    await unlock();
  }
}

/** Where the server does not tell a length, any file is taken for it. */
async function isThere(path: string, { bytes }: RemoteFile): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() === true && (bytes === undefined || facts.size === bytes);
}

/** Of a partial file; what is not written yet takes no block of the disk. */
async function bytesKept(path: string): Promise<number> {
  const facts = await stat(path).catch(() => undefined);
  return (facts?.blocks ?? 0) * 512;
}

async function refuseFullDisk(folder: string, missing: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (missing > bavail * bsize)
    throw new ModelFileError(
      `The disk of ${folder} has ${size(bavail * bsize)} free, and ${size(missing)} are to come; make room, or choose another folder with --models-dir`,
    );
}

/** A file system that takes no file so long says so now, and not to a library that would try again for minutes. */
async function claimLength(path: string, bytes: number): Promise<void> {
  await using file = await open(path, 'a');
  if ((await file.stat()).size < bytes) await file.truncate(bytes);
}

/** Downloads it, and tells how far it came where that fails. */
async function receive(
  { url, headers, place, bytes: total }: RemoteFile,
  folder: string,
  name: string,
  address: Address,
  { signal, onProgress, onNotice, log, stallMs }: DownloadOptions,
): Promise<void> {
  let came = 0;
  const onBytes = (bytes: number) => {
    came = bytes;
    onProgress?.({ file: basename(place), bytes, total, state: 'loading' });
  };
  const soFar = () => `${size(came)}${total === undefined ? '' : ` of ${size(total)}`}`;
  try {
    await transfer({ url, headers, folder, name }, { signal, onBytes, log, stallMs });
  } catch (error) {
    if (signal?.aborted) onNotice?.(`${basename(place)}: ${soFar()} are kept; the same command continues`);
    if (!(error instanceof TransferError) || error.code === 'ENOSPC') throw error;
    const { status, reason } = error;
    const { host } = new URL(url);
    throw new ModelFileError(
      status !== undefined && status < 500
        ? `${host} stopped giving ${addressText(address)}: ${refusal(status, 'authorization' in headers, address)}`
        : `The connection to ${host} was lost at ${soFar()} of ${basename(place)} (${reason}); what came is kept, the same command continues`,
      { cause: error },
    );
  }
}

/** @throws ModelFileError for a file that is not what the server said, which is then gone */
async function check(
  path: string,
  { bytes, sha256, place }: RemoteFile,
  address: Address,
  signal: AbortSignal | undefined,
): Promise<void> {
  const wrong = await (async () => {
    const { size: came } = await stat(path);
    if (bytes !== undefined && came !== bytes) return `has ${came} bytes instead of ${bytes}`;
    if (!(await beginsLikeGguf(path))) return 'is not a GGUF file but perhaps a web page';
    const digest = sha256 && (await sha256Of(path, signal));
    return digest !== sha256 && `has the SHA-256 ${digest} instead of ${sha256}`;
  })();
  if (!wrong) return;
  await rm(path);
  throw new ModelFileError(
    `What came as ${basename(place)} ${wrong}, and is deleted; try again, or check ${addressText(address)}`,
  );
}

async function beginsLikeGguf(path: string): Promise<boolean> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  return buffer.toString('latin1') === 'GGUF';
}

async function sha256Of(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(chunk);
  return hash.digest('hex');
}

/** A failure of the file system, with what to do. */
function explained(error: NodeJS.ErrnoException, folder: string): Error {
  const { code } = error;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ModelFileError(
      `The disk of ${folder} is full; what came is kept: make room and the same command continues`,
      { cause: error },
    );
  if (code === 'EFBIG')
    return new ModelFileError(
      `${folder} takes no file so long (EFBIG); choose a folder on another disk with --models-dir, or raise ulimit -f`,
      { cause: error },
    );
  if (code && ['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EEXIST'].includes(code))
    return new ModelFileError(
      `Cannot write to ${folder} (${code}); choose another folder with --models-dir`,
      {
        cause: error,
      },
    );
  return error;
}

/** @param bytes a count, for people */
function size(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
