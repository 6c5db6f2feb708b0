import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder } from '../../src/models/folder-lock.js';

let folder: string;
let lock: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-lock-'));
  lock = join(folder, 'lock');
});
afterEach(() => rm(folder, { recursive: true }));

const QUICK = { touchMs: 100, lookMs: 25 };
const LONG_AGO = new Date(Date.now() - 3_600_000);
const IN_AN_HOUR = new Date(Date.now() + 3_600_000);
const content = () => readFile(lock, 'utf8');

test.each([
  ['that nobody touches any more', LONG_AGO],
  ['of a clock that was wrong', IN_AN_HOUR],
])('a lock %s is taken over, and that is known', async (_, time) => {
  await writeFile(lock, 'the dead');
  await utimes(lock, time, time);
  const { unlock, isTakenOver } = await lockFolder(folder, QUICK);
  expect(isTakenOver).toBe(true);
  expect(await content()).not.toBe('the dead');
  await unlock();
  await expect(stat(lock)).rejects.toThrow('ENOENT');
});

test('of several that find such a lock, one at a time has the folder', async () => {
  await writeFile(lock, 'the dead');
  let [holders, most] = [0, 0];
  const hold = async () => {
    const { unlock } = await lockFolder(folder, QUICK);
    most = Math.max(most, ++holders);
    await sleep(100);
    holders--;
    await unlock();
  };
  await Promise.all(
    Array.from({ length: 6 }, async (_, i) => {
      await sleep(20 * i);
      await hold();
    }),
  );
  expect(most).toBe(1);
});

test('one that lost its lock in its sleep hears of it, and neither touches nor frees the next one', async () => {
  const { unlock, lost, isTakenOver } = await lockFolder(folder, QUICK);
  expect({ isTakenOver, isLost: lost.aborted }).toEqual({ isTakenOver: false, isLost: false });
  await writeFile(lock, 'the next');
  await utimes(lock, LONG_AGO, LONG_AGO);
  await sleep(300); // two touches
  expect(lost.aborted).toBe(true);
  expect((await stat(lock)).mtime).toEqual(LONG_AGO);
  await unlock();
  expect(await content()).toBe('the next');
});

test('a lock that is held is waited for', async () => {
  const { unlock } = await lockFolder(folder, QUICK);
  let waits = 0;
  const next = lockFolder(folder, { ...QUICK, onWait: () => waits++ });
  while (waits === 0) await sleep(20);
  const first = await content();
  await unlock();
  await (await next).unlock();
  expect(first).not.toBe('');
  expect(waits).toBe(1);
});
