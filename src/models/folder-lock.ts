import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOKS = 20; // that find a lock untouched, after which its holder is dead or asleep

export interface LockOptions {
  /** Between two signs of life of its holder. */
  readonly touchMs?: number;
  /** Between two looks of one that waits. */
  readonly lookMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once, if somebody else holds it. */
  readonly onWait?: () => void;
}

export interface FolderLock {
  /** From one that is dead, or asleep with files in the folder open. */
  readonly isTakenOver: boolean;
  /** Soon after this process woke, if another one took it over meanwhile. */
  readonly lost: AbortSignal;
  /** Looks whether this process has it still; `lost` is aborted where it has not. */
  readonly isHeld: () => Promise<boolean>;
  /** Removes a file of the folder, or the folder, while this process has it; else does nothing. */
  readonly remove: (path: string) => Promise<void>;
  readonly unlock: () => Promise<void>;
}

/**
 * Keeps other processes out of a folder while this one is awake. What it guards must bear two that work in it for a
 * moment, after one of them slept.
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

/** Changes when somebody touches or takes it. No clock is asked, which may be another one's or wrong. */
async function stateOf(lock: string): Promise<string> {
  const holder = await readFile(lock, 'utf8').catch(() => 'nobody');
  const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: 0 }));
  return `${holder} ${mtimeMs}`;
}

/** @returns whether it is gone; one that somebody has taken meanwhile is put back */
async function takeAway(lock: string, state: string): Promise<boolean> {
  const old = `${lock}.${randomUUID()}`;
  await rename(lock, old).catch(() => {});
  const isTheSame = (await stateOf(old)) === state;
  if (!isTheSame) await link(old, lock).catch(() => {});
  await rm(old, { force: true });
  return isTheSame;
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
