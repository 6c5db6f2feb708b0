import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTIAL } from './models-folder.js';
import type { RemoteFile } from './remote.js';

/** The paths of one file on its way. */
export interface Places {
  /** Where it belongs. */
  readonly path: string;
  /** A folder of its own. */
  readonly partials: string;
  /** In that folder, of one version. */
  readonly partial: string;
}

export function placesOf({ place, version = 'unknown' }: RemoteFile, folder: string): Places {
  const partials = join(folder, PARTIAL, place);
  const name = createHash('sha256').update(version).digest('hex').slice(0, 16); // never mixes two versions
  return { path: join(folder, place), partials, partial: join(partials, `${name}.part`) };
}

/** A machine that lost its power may have left holes in what came, which a checksum alone tells. */
function canContinue({ version, bytes, sha256 }: RemoteFile, isTakenOver: boolean): boolean {
  return version !== undefined && bytes !== undefined && (!isTakenOver || sha256 !== undefined);
}

/** @returns bytes that need not come again */
export async function kept(remote: RemoteFile, { partial }: Places): Promise<number> {
  if (!canContinue(remote, false)) return 0;
  return (await stat(partial).catch(() => undefined))?.size ?? 0;
}

/** @returns paths of what cannot become the file any more: other versions, and what came of it if it must begin anew */
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
