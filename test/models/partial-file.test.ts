import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bytesKept, cutPlanOff, layOut, renew } from '../../src/models/partial-file.js';

const BYTES = 1_000_000;

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-partial-'));
  path = join(folder, 'file');
});
afterEach(() => rm(folder, { recursive: true }));

test('a file that is laid out keeps nothing yet, and stays as it is when that is done again', async () => {
  await layOut(path, BYTES);
  const before = await readFile(path);
  expect(await bytesKept(path, BYTES)).toBe(0);
  await layOut(path, BYTES);
  expect((await readFile(path)).equals(before)).toBe(true);
});

test('a plan behind a complete file is cut off', async () => {
  await layOut(path, BYTES);
  await cutPlanOff(path, BYTES);
  expect((await readFile(path)).equals(Buffer.alloc(BYTES))).toBe(true);
});

test('another file in its place keeps what is complete, and no more', async () => {
  await layOut(path, BYTES);
  const bytes = await readFile(path);
  const marked = Buffer.from(bytes.toString('latin1').replace('[0,0,0,0]', '[2,1,0,2]'), 'latin1');
  await writeFile(path, marked.fill('x', 0, BYTES));
  const { ino } = await stat(path);
  await renew(path, BYTES);
  expect((await stat(path)).ino).not.toBe(ino);
  const expected = Buffer.from(marked).fill(0, 2 ** 18, 3 * 2 ** 18);
  expect((await readFile(path)).equals(expected)).toBe(true);
  expect(await bytesKept(path, BYTES)).toBe(2 * 2 ** 18);
  expect(await readdir(folder)).toEqual(['file']);
});

test('of what is no partial file nothing is kept', async () => {
  await writeFile(path, 'something');
  await renew(path, BYTES);
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  ['too long in another way', Buffer.alloc(BYTES + 10, 'x')],
  ['too short', Buffer.alloc(BYTES - 10, 'x')],
])('a file that is %s stays as it is', async (_, bytes) => {
  await writeFile(path, bytes);
  await cutPlanOff(path, BYTES);
  expect((await readFile(path)).equals(bytes)).toBe(true);
});
