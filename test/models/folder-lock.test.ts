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

const LONG_AGO = new Date(Date.now() - 3_600_000);
const content = () => readFile(lock, 'utf8');

test('a lock that nobody touches any more is taken over', async () => {
  await writeFile(lock, 'the dead');
  await utimes(lock, LONG_AGO, LONG_AGO);
  const unlock = await lockFolder(folder, {});
  expect(await content()).not.toBe('the dead');
  await unlock();
  await expect(stat(lock)).rejects.toThrow('ENOENT');
});

test('one that lost its lock in its sleep neither touches nor frees the next one', async () => {
  const unlock = await lockFolder(folder, {});
  await writeFile(lock, 'the next');
  await utimes(lock, LONG_AGO, LONG_AGO);
  await sleep(2500); // two touches
  expect((await stat(lock)).mtime).toEqual(LONG_AGO);
  await unlock();
  expect(await content()).toBe('the next');
});

test('a lock that is held is waited for', async () => {
  const unlock = await lockFolder(folder, {});
  let waits = 0;
  const next = lockFolder(folder, { onWait: () => waits++ });
  while (waits === 0) await sleep(20);
  const first = await content();
  await unlock();
  await (await next)();
  expect(first).not.toBe('');
  expect(waits).toBe(1);
});
