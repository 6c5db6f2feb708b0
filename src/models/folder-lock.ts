import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOKS = 20; // after so many looks at an untouched lock, its holder counts as dead or asleep

export interface LockOptions {
  /** Milliseconds between two signs of life of the holder; default 1000. */
  readonly touchMs?: number;
  /** Milliseconds between two looks of a process that waits; default 250. */
  readonly lookMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once, if another process holds the lock. */
  readonly onWait?: () => void;
}

export interface FolderLock {
  /** Whether the lock was taken from a process that is dead, or asleep with open files in the folder. */
  readonly isTakenOver: boolean;
  /** Aborted soon after this process wakes, if another process took the lock over meanwhile. */
  readonly lost: AbortSignal;
  /** @returns whether this process still holds the lock; if not, `lost` is aborted */
  readonly isHeld: () => Promise<boolean>;
  /** Removes a file of the folder, or the folder itself. Does nothing if this process does not hold the lock. */
  readonly remove: (path: string) => Promise<void>;
  readonly unlock: () => Promise<void>;
}

/**
 * Keeps other processes out of a folder while this process is awake. After a process slept, two may work in the folder
 * for a moment: the files must bear that.
 */
export async function lockFolder(
  folder: string,
  { signal, onWait, touchMs = 1000, lookMs = 250 }: LockOptions,
): Promise<FolderLock> {
  const lock = join(folder, 'lock');
  const mine = randomUUID();
  let isTakenOver = false;
  let [seen, looks, waits] = ['', 0, 0];
  while (!(await take(folder, lock, mine))) {
    if (waits++ === 0) onWait?.();
    await sleep(lookMs, undefined, signal && { signal });
    const now = await stateOf(lock);
    looks = now === seen ? looks + 1 : 0;
    seen = now;
    if (looks < LOOKS) continue;
    isTakenOver = await takeAway(lock, seen);
    looks = 0;
  }
  const loss = new AbortController();
  const isHeld = async () => {
    const isMine = (await readFile(lock, 'utf8').catch(() => '')) === mine;
    if (!isMine) loss.abort();
    return isMine;
  };
  const touch = async () => {
    const now = new Date();
    if (await isHeld()) await utimes(lock, now, now).catch(() => {});
  };
  const touching = setInterval(() => void touch(), touchMs);
  touching.unref();
  const remove = async (path: string) => {
    if (await isHeld()) await rm(path, { recursive: true, force: true });
  };
  const unlock = async () => {
    clearInterval(touching);
    await remove(lock);
  };
  return { isTakenOver, lost: loss.signal, isHeld, remove, unlock };
}

/** @returns a text that changes when a process touches or takes the lock. Clocks are not compared: they may be wrong. */
async function stateOf(lock: string): Promise<string> {
  const holder = await readFile(lock, 'utf8').catch(() => 'nobody');
  const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: 0 }));
  return `${holder} ${mtimeMs}`;
}

/** Removes a lock that still has this state; puts back one that another process has taken meanwhile. @returns whether it is gone */
async function takeAway(lock: string, state: string): Promise<boolean> {
  if ((await stateOf(lock)) !== state) return false; // another was quicker: its lock is not to be missing for a moment
  const old = `${lock}.${randomUUID()}`;
  await rename(lock, old).catch(() => {});
  const isTheSame = (await stateOf(old)) === state;
  if (!isTheSame) await link(old, lock).catch(() => {});
  await rm(old, { force: true });
  return isTheSame;
}

async function take(folder: string, lock: string, mine: string): Promise<boolean> {
  const make = () => mkdir(folder, { recursive: true });
  await make().catch(make); // each time: who has finished takes the folder away, perhaps while it is being made
  try {
    await writeFile(lock, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}
