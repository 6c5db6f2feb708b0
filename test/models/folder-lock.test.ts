import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder } from '../../src/models/folder-lock.js';

let folder: string;
let lock: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-lock-'));
  lock = join(folder, 'lock');
});
afterEach(() => rm(folder, { recursive: true }));

const LONG_AGO = new Date(Date.now() - 3_600_000);
const IN_AN_HOUR = new Date(Date.now() + 3_600_000);
const content = () => readFile(lock, 'utf8');

test.each([
  ['that nobody touches any more', 'the dead', LONG_AGO],
  ['of a clock that was wrong', 'the dead', IN_AN_HOUR],
  ['of a process that sleeps', `${hostname()} ${process.pid} 1`, LONG_AGO],
])('a lock %s is taken over, and that is known', async (_, holder, time) => {
  await writeFile(lock, holder);
  await utimes(lock, time, time);
  const { unlock, isTakenOver } = await lockFolder(folder, {});
  expect(isTakenOver).toBe(true);
  expect(await content()).not.toBe(holder);
  await unlock();
  await expect(stat(lock)).rejects.toThrow('ENOENT');
});

test('that of a process that ended without a word belongs to nobody', async () => {
  const ended = execa('true');
  await ended;
  await writeFile(lock, `${hostname()} ${ended.pid} 1`);
  let waits = 0;
  const { unlock, isTakenOver } = await lockFolder(folder, { onWait: () => waits++ });
  expect({ isTakenOver, waits }).toEqual({ isTakenOver: false, waits: 0 });
  await unlock();
});

test('one that lost its lock in its sleep hears of it, and neither touches nor frees the next one', async () => {
  const { unlock, lost, isTakenOver } = await lockFolder(folder, {});
  expect({ isTakenOver, isLost: lost.aborted }).toEqual({ isTakenOver: false, isLost: false });
  await writeFile(lock, 'the next');
  await utimes(lock, LONG_AGO, LONG_AGO);
  await sleep(2500); // two touches
  expect(lost.aborted).toBe(true);
  expect((await stat(lock)).mtime).toEqual(LONG_AGO);
  await unlock();
  expect(await content()).toBe('the next');
});

test('a lock that is held is waited for', async () => {
  const { unlock } = await lockFolder(folder, {});
  let waits = 0;
  const next = lockFolder(folder, { onWait: () => waits++ });
  while (waits === 0) await sleep(20);
  const first = await content();
  await unlock();
  await (await next).unlock();
  expect(first).not.toBe('');
  expect(waits).toBe(1);
});
