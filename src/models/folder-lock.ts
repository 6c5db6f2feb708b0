import { mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const TOUCH_MS = 1000;
const STALE_MS = 5000; // its holder is dead, or asleep

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: () => void; // called once, if somebody else holds it
}

/** Keeps other processes, also on other machines, out of a folder. @returns how to let them in */
export async function lockFolder(
  folder: string,
  { signal, onWait }: LockOptions,
): Promise<() => Promise<void>> {
  const lock = join(folder, 'lock');
  for (let told = false; !(await take(folder, lock)); told = true) {
    if (!told) onWait?.();
    await sleep(TOUCH_MS / 4, undefined, signal && { signal });
    const age = await stat(lock).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    // Only one of several that wait can rename it.
    if (age > STALE_MS) await rename(lock, `${lock}.${process.pid}`).catch(() => {});
    await rm(`${lock}.${process.pid}`, { force: true });
  }
  const touching = setInterval(() => void touch(lock), TOUCH_MS);
  touching.unref();
  return async () => {
    clearInterval(touching);
    await rm(lock, { force: true });
  };
}

async function take(folder: string, lock: string): Promise<boolean> {
  await mkdir(folder, { recursive: true }); // each time: who has finished takes the folder away
  try {
    await writeFile(lock, '', { flag: 'wx' });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}

async function touch(lock: string): Promise<void> {
  const now = new Date();
  await utimes(lock, now, now).catch(() => {});
}
