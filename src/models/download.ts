import { mkdir, rename, stat } from 'node:fs/promises';
import { basename, dirname, sep } from 'node:path';
import { ModelFileError } from '../errors.js';
import { type Address, addressText } from './address.js';
import { bytesText } from './bytes-text.js';
import { checkFile, sha256Of } from './check-file.js';
import { explained, freeBytes } from './disk-failures.js';
import { lockFolder } from './folder-lock.js';
import { modelsFolder } from './models-folder.js';
import { kept, leftovers, placesOf } from './places.js';
import { type ReceiveOptions, receive } from './receive.js';
import { locate, type RemoteFile } from './remote.js';

/** The place of a download, and its listeners. */
export interface DownloadOptions extends ReceiveOptions {
  readonly modelsDir?: string | undefined;
  /** Whether files that are there already are checked too, by the hub's checksum. */
  readonly verify?: boolean | undefined;
}

export interface DownloadedModel extends DownloadedFile {
  /** The address in its usual spelling. */
  readonly address: string;
}

interface DownloadedFile {
  /** Path of the file; of a model in parts, of the first. */
  readonly path: string;
  /** Size of all parts together. */
  readonly bytes: number;
  /** The hub's SHA-256, where `checked`; null for a model in parts. */
  readonly sha256: string | null;
  /** Whether the files agree with the hub's checksums; false: nothing was compared. */
  readonly checked: boolean;
  /** Whether bytes came; false: the model was there. */
  readonly downloaded: boolean;
}

/**
 * Downloads models into the models folder, unless they are there. Nothing comes before all models are found and the
 * disk has room for all. A download that ends early is kept for the next try, if the server tells versions apart.
 * A file gets its name once it is complete and right.
 * @yields each model, once it is in the folder
 * @throws ModelFileError; the signal's reason
 */
export async function* download(
  addresses: readonly Address[],
  options: DownloadOptions,
): AsyncGenerator<DownloadedModel, undefined> {
  const folder = modelsFolder(options.modelsDir);
  const models: { address: Address; remotes: readonly RemoteFile[] }[] = [];
  for (const address of addresses) models.push({ address, remotes: await locate(address, options) });
  try {
    const remotes = models.flatMap((model) => model.remotes);
    for (const { place } of remotes) refuseLongName(place);
    await refuseFullDisk(remotes, folder);
    for (const model of models) yield await fetchModel(model, folder, options);
  } catch (error) {
    throw explained(error as NodeJS.ErrnoException, folder);
  }
}

async function fetchModel(
  { address, remotes }: { address: Address; remotes: readonly RemoteFile[] },
  folder: string,
  options: DownloadOptions,
): Promise<DownloadedModel> {
  const files: DownloadedFile[] = [];
  for (const remote of remotes) files.push(await fetchFile(remote, folder, address, options));
  const [first] = files as [DownloadedFile];
  return {
    address: addressText(address),
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
): Promise<DownloadedFile> {
  const { signal, onNotice, onProgress } = options;
  const places = placesOf(remote, folder);
  const { path, partials, partial } = places;
  const file = basename(path);
  const there = await fileThere(path, remote, options);
  if (there) return there;
  let waited = false;
  const lock = await lockFolder(partials, {
    signal,
    onWait: () => {
      waited = true;
      onNotice?.(`another mtad downloads ${file}, or was killed; waiting`);
    },
  });
  try {
    const there = waited && (await fileThere(path, remote, options));
    if (there) return there;
    for (const useless of await leftovers(remote, places, lock.isTakenOver)) await lock.remove(useless);
    const digest = await receive(remote, places, address, lock, options);
    const { size: bytes } = await stat(partial);
    onProgress?.({ file, bytes, total: bytes, state: 'checking' });
    signal?.throwIfAborted();
    await checkFile(partial, remote, address, digest, lock.remove);
    await mkdir(dirname(path), { recursive: true });
    if (!(await lock.isHeld())) throw lock.lost.reason;
    await rename(partial, path);
    await lock.remove(partials).catch(() => {}); // which fails where the next one enters it now
    onProgress?.({ file, bytes, total: bytes, state: 'done' });
    const sha256 = remote.sha256 ?? null;
    return { path, bytes, sha256, checked: sha256 !== null, downloaded: true };
  } catch (error) {
    signal?.throwIfAborted();
    const there = await fileThere(path, remote, { ...options, onNotice: undefined }); // by another, while this one slept
    if (there) return there;
    if (await lock.isHeld()) throw error;
    await lock.unlock();
    return await fetchFile(remote, folder, address, options); // another is about it
  } finally {
    await lock.unlock();
  }
}

/** @returns the file that is there under its name; undefined where it is missing, or seen to differ from the server's */
async function fileThere(
  path: string,
  remote: RemoteFile,
  { verify, signal, onNotice, onProgress }: DownloadOptions,
): Promise<DownloadedFile | undefined> {
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

/** @returns whether a file has the length that the server tells; any length is right where it tells none */
async function hasLength(path: string, bytes: number | undefined): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() === true && (bytes === undefined || facts.size === bytes);
}

const LONGEST_NAME = 255; // bytes, of file systems that people have

/** @throws ModelFileError for a file, or a folder on the way to it, that cannot have its name on a disk */
function refuseLongName(place: string): void {
  for (const name of place.split(sep)) {
    const bytes = Buffer.byteLength(name);
    if (bytes > LONGEST_NAME)
      throw new ModelFileError(
        `${name.slice(0, 20)}… has a name of ${bytes} bytes, and a file system takes ${LONGEST_NAME}; fetch the file by other means, give it a shorter name, and give its path`,
      );
  }
}

const BLOCK = 512; // bytes, in which a file's share of the disk is told

/** @throws ModelFileError where the disk has no room for all models. Useless partial files count as room. */
async function refuseFullDisk(remotes: readonly RemoteFile[], folder: string): Promise<void> {
  let missing = 0;
  for (const remote of new Map(remotes.map((remote) => [remote.place, remote])).values()) {
    const places = placesOf(remote, folder);
    if (await hasLength(places.path, remote.bytes)) continue;
    missing += (remote.bytes ?? 0) - (await kept(remote, places));
    for (const path of await leftovers(remote, places)) missing -= await shareOfDisk(path);
  }
  if (missing <= 0) return;
  await mkdir(folder, { recursive: true });
  const free = await freeBytes(folder);
  if (missing > free)
    throw new ModelFileError(
      `The disk of ${folder} has ${bytesText(free)} free, and ${bytesText(missing)} are to come; make room, or choose another folder with \`modelsDir\``,
    );
}

/** @returns bytes; 0 of what another process has taken away meanwhile */
function shareOfDisk(path: string): Promise<number> {
  return stat(path).then(
    ({ blocks }) => blocks * BLOCK,
    () => 0,
  );
}
