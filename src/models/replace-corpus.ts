import { existsSync } from 'node:fs';
import type { SortedTokens } from '../drafting/grow-corpus.js';
import { type CorpusAbout, writeCorpus } from './corpus-file.js';
import { lockFolder } from './folder-lock.js';

/** What a corpus is to hold. */
export interface CorpusText extends SortedTokens {
  readonly about: CorpusAbout;
}

/**
 * Replaces a corpus under a lock beside the file, so that nothing is lost that several processes add to it at once.
 * @param make what the file is to hold, from what is there now; called again where another process took the lock meanwhile
 * @throws Error that names the file, where it cannot be written
 */
export async function replaceCorpus(
  path: string,
  make: (isThere: boolean) => Promise<CorpusText>,
  mode?: number,
): Promise<void> {
  while (!(await replaced(path, make, mode)));
}

/** @returns false where another process took the lock, since it took this one for dead: nothing is written then */
async function replaced(
  path: string,
  make: (isThere: boolean) => Promise<CorpusText>,
  mode: number | undefined,
): Promise<boolean> {
  const folder = `${path}.lock`; // the file is made in it, so that what a dead process left goes with it
  const lock = await lockFolder(folder, {});
  try {
    const { about, ...sorted } = await make(existsSync(path));
    return await writeCorpus(path, sorted, about, { mode, folder, mayReplace: lock.isHeld });
  } catch (error) {
    if (await lock.isHeld()) throw error;
    return false; // the other removed the folder
  } finally {
    await lock.remove(folder).catch(() => {}); // another may have come in when the lock was gone
    await lock.unlock();
  }
}
