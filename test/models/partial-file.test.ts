import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bytesKept, cutPlanOff, layOut } from '../../src/models/partial-file.js';

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

test.each([
  ['too long in another way', Buffer.alloc(BYTES + 10, 'x')],
  ['too short', Buffer.alloc(BYTES - 10, 'x')],
])('a file that is %s stays as it is', async (_, bytes) => {
  await writeFile(path, bytes);
  await cutPlanOff(path, BYTES);
  expect((await readFile(path)).equals(bytes)).toBe(true);
});
