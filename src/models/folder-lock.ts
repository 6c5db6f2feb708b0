import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const TOUCH_MS = 1000;
const LOOK_MS = 250;
const LOOKS = 20; // that find a lock untouched, after which its holder is dead or asleep

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: () => void; // called once, if somebody else holds it
}

export interface FolderLock {
  readonly isTakenOver: boolean; // from one that may only sleep, with files in the folder open
  readonly lost: AbortSignal; // soon after this process woke, if another one took it over meanwhile
  readonly unlock: () => Promise<void>;
}

/**
 * Keeps other processes out of a folder while this one is awake. What it guards must bear two that work in it for a
 * moment: one that slept may wake, and two that wait may both find its lock stale.
 */
export async function lockFolder(folder: string, { signal, onWait }: LockOptions): Promise<FolderLock> {
  const lock = join(folder, 'lock');
  const mine = `${hostname()} ${process.pid} ${randomUUID()}`;
  let isTakenOver = false;
  let [touched, looks, waits] = [0, 0, 0];
  while (!(await take(folder, lock, mine))) {
    const isDead = await isHeldByDead(lock);
    if (!isDead && waits++ === 0) onWait?.();
    await sleep(LOOK_MS, undefined, signal && { signal });
    const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: 0 })); // gone: it is taken next
    looks = mtimeMs === touched ? looks + 1 : 0;
    touched = mtimeMs;
    if (!isDead && looks < LOOKS) continue;
    isTakenOver ||= !isDead;
    const old = `${lock}.${randomUUID()}`;
    await rename(lock, old).catch(() => {});
    await rm(old, { force: true });
  }
  const loss = new AbortController();
  const isMine = async () => (await readFile(lock, 'utf8').catch(() => '')) === mine;
  const touch = async () => {
    const now = new Date();
    if (await isMine()) await utimes(lock, now, now).catch(() => {});
    else loss.abort();
  };
  const touching = setInterval(() => void touch(), TOUCH_MS);
  touching.unref();
  const unlock = async () => {
    clearInterval(touching);
    if (await isMine()) await rm(lock, { force: true });
  };
  return { isTakenOver, lost: loss.signal, unlock };
}

/** Whether the holder was a process of this machine that is no more. */
async function isHeldByDead(lock: string): Promise<boolean> {
  const [host, pid] = (await readFile(lock, 'utf8').catch(() => '')).split(' ');
  if (host !== hostname() || !Number(pid)) return false;
  try {
    process.kill(Number(pid), 0); // asks, and kills nobody
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function take(folder: string, lock: string, mine: string): Promise<boolean> {
  await mkdir(folder, { recursive: true }); // each time: who has finished takes the folder away
  try {
    await writeFile(lock, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}
