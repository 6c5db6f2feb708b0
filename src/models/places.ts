import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTIAL } from './models-folder.js';
import type { RemoteFile } from './remote.js';

/** The paths of one file during its download. */
export interface Places {
  /** Path of the complete file. */
  readonly path: string;
  /** Folder of its partial files, and of nothing else. */
  readonly partials: string;
  /** Path of the partial file of one version, in `partials`. */
  readonly partial: string;
}

export function placesOf({ place, version = 'unknown' }: RemoteFile, folder: string): Places {
  const partials = join(folder, PARTIAL, place);
  const name = createHash('sha256').update(version).digest('hex').slice(0, 16); // never mixes two versions
  return { path: join(folder, place), partials, partial: join(partials, `${name}.part`) };
}

/** @returns whether a partial file may be continued. A power failure may leave holes in it, which only a checksum finds. */
function canContinue({ version, bytes, sha256 }: RemoteFile, isTakenOver: boolean): boolean {
  return version !== undefined && bytes !== undefined && (!isTakenOver || sha256 !== undefined);
}

/** @returns bytes of the partial file, which need not come again; 0 where it cannot be continued */
export async function kept(remote: RemoteFile, { partial }: Places): Promise<number> {
  if (!canContinue(remote, false)) return 0;
  return (await stat(partial).catch(() => undefined))?.size ?? 0;
}

/** @returns paths of useless partial files: of other versions, and of this one where it cannot be continued */
export async function leftovers(
  remote: RemoteFile,
  { partials, partial }: Places,
  isTakenOver = false,
): Promise<string[]> {
  const usable = canContinue(remote, isTakenOver) ? [partial] : [];
  const entries = await readdir(partials, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('lock'))
    .map(({ name }) => join(partials, name))
    .filter((path) => !usable.includes(path));
}
