import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const TOUCH_MS = 1000;
const STALE_MS = 5000; // its holder is dead, or asleep

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: () => void; // called once, if somebody else holds it
}

/**
 * Keeps other processes of this machine out of a folder while this one is awake. What it guards must bear two that
 * work in it: one that slept may wake, and two that wait may both find its lock stale.
 * @returns how to let them in
 */
export async function lockFolder(
  folder: string,
  { signal, onWait }: LockOptions,
): Promise<() => Promise<void>> {
  const lock = join(folder, 'lock');
  const holder = randomUUID();
  for (let told = false; !(await take(folder, lock, holder)); told = true) {
    if (!told) onWait?.();
    await sleep(TOUCH_MS / 4, undefined, signal && { signal });
    const age = await stat(lock).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > STALE_MS) await rename(lock, `${lock}.${holder}`).catch(() => {});
    await rm(`${lock}.${holder}`, { force: true });
  }
  const isMine = async () => (await readFile(lock, 'utf8').catch(() => '')) === holder;
  const touch = async () => {
    const now = new Date();
    if (await isMine()) await utimes(lock, now, now).catch(() => {});
  };
  const touching = setInterval(() => void touch(), TOUCH_MS);
  touching.unref();
  return async () => {
    clearInterval(touching);
    if (await isMine()) await rm(lock, { force: true });
  };
}

async function take(folder: string, lock: string, holder: string): Promise<boolean> {
  await mkdir(folder, { recursive: true }); // each time: who has finished takes the folder away
  try {
    await writeFile(lock, holder, { flag: 'wx' });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}
