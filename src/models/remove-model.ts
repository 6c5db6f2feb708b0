import { lstat, readdir, readFile, realpath, rm, rmdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { UsageError } from '../errors.js';
import { lockFolder } from './folder-lock.js';
import { PARTIAL } from './models-folder.js';
import type { StoredModel } from './stored-models.js';

/** Milliseconds after which a download counts as going on: a lock that nobody touches is taken over before. */
const PATIENCE_MS = 8000;

/**
 * Removes a model, with what is left of downloads of it, and the folders that become empty.
 * @throws UsageError where it lies elsewhere, behind a link; where a process has it open; while it is downloaded
 */
export async function removeModel({ name, paths }: StoredModel, folder: string): Promise<void> {
  const root = await realpath(folder);
  for (const path of paths) {
    if (!`${await realpath(dirname(path))}${sep}`.startsWith(`${root}${sep}`))
      throw new UsageError(`${path} is not in ${root}: a link leads there. Remove it by yourself`);
    const user = await userOf(path);
    if (user !== undefined)
      throw new UsageError(`${name} is in use by process ${user}: end that first, then remove it`);
  }
  for (const path of paths) {
    const partials = join(folder, PARTIAL, relative(folder, path));
    const lock = (await isFolder(partials)) ? await lockOf(partials, name) : undefined;
    try {
      await rm(path);
      await lock?.remove(partials);
    } finally {
      await lock?.unlock();
    }
    await removeEmpty(dirname(path), folder);
    await removeEmpty(dirname(partials), folder);
  }
}

async function lockOf(partials: string, name: string) {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return lockFolder(partials, { signal }).catch((cause) => {
    throw signal.aborted
      ? new UsageError(`${name} is being downloaded: end that first, then remove it`, { cause })
      : cause;
  });
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function removeEmpty(folder: string, root: string): Promise<void> {
  for (let path = folder; path !== root && path.startsWith(root); path = dirname(path))
    if (
      !(await rmdir(path).then(
        () => true,
        () => false,
      ))
    )
      return; // it holds something
}

/** @returns a process of this user that has mapped the file, as models are read; undefined: none, or the system does not tell */
async function userOf(path: string): Promise<string | undefined> {
  const file = await realpath(path).catch(() => path); // a link that leads nowhere
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const process of processes) {
    const maps = await readFile(`/proc/${process}/maps`, 'utf8').catch(() => ''); // it is over, or another user's
    if (maps.includes(` ${file}\n`)) return process;
  }
  return undefined;
}
