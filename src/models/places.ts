import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTIAL } from './models-folder.js';
import { bytesKept } from './partial-file.js';
import type { RemoteFile } from './remote.js';

/** The paths of one file on its way. */
export interface Places {
  readonly path: string; // where it belongs
  readonly partials: string; // a folder of its own
  readonly name: string; // in that folder, of one version
  readonly complete: string; // all of it, not checked yet
  readonly partial: string;
}

export function placesOf({ place, version = 'unknown' }: RemoteFile, folder: string): Places {
  const partials = join(folder, PARTIAL, place);
  const name = createHash('sha256').update(version).digest('hex').slice(0, 16); // never mixes two versions
  const complete = join(partials, name);
  return { path: join(folder, place), partials, name, complete, partial: `${complete}.ipull` };
}

/** Who did not end in order may have left holes in what it says it has, which a checksum alone tells. */
export function canContinue({ version, bytes, sha256 }: RemoteFile, isTakenOver = false): boolean {
  return version !== undefined && bytes !== undefined && (!isTakenOver || sha256 !== undefined);
}

/** @returns bytes that need not come again */
export async function kept(remote: RemoteFile, { complete, partial }: Places): Promise<number> {
  if (!canContinue(remote)) return 0;
  return existsSync(complete) ? remote.bytes! : bytesKept(partial, remote.bytes!);
}

/** @returns paths of what cannot become the file any more: other versions, and what came of it if it must begin anew */
export async function leftovers(
  remote: RemoteFile,
  { partials, complete, partial }: Places,
  isTakenOver = false,
): Promise<string[]> {
  const usable = canContinue(remote, isTakenOver) ? [complete, partial] : [];
  const entries = await readdir(partials, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('lock'))
    .map(({ name }) => join(partials, name))
    .filter((path) => !usable.includes(path));
}
