import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { KeyedFolder } from '../../src/tuning/keyed-folder.js';
import { KeyedMemory } from '../../src/tuning/keyed-memory.js';

const schema = z.object({ value: z.number() });

/** Every file of the folder becomes older by so many days. */
async function age(folder: string, days: number): Promise<void> {
  const then = Date.now() / 1000 - days * 24 * 3600;
  for (const name of await readdir(folder)) await utimes(join(folder, name), then, then);
}

it('has a number of files at most, of which the oldest go, and removes what killed processes have left', async () => {
  const path = await mkdtemp(join(tmpdir(), 'mtad-keyed-'));
  const folder = new KeyedFolder(path, schema, 3);
  await folder.keep({ name: 'old' }, { value: 0 });
  const [file] = await readdir(path);
  await writeFile(join(path, `${file}.a0b1c2d3-0000-4000-8000-000000000000`), '{');
  await writeFile(join(path, 'notes.txt'), 'of the user');
  await age(path, 2);
  await writeFile(join(path, `${file}.b0b1c2d3-0000-4000-8000-000000000000`), '{'); // being written elsewhere
  for (let value = 1; value <= 3; value++) await folder.keep({ name: `${value}` }, { value });
  await writeFile(join(path, 'f0b1c2d3e4f5a6b7.json'), '{'); // is no value
  const kept = (await folder.all()).map(({ value }) => value.value);
  expect(kept.sort()).toEqual([1, 2, 3]);
  const others = (await readdir(path)).filter((name) => !name.endsWith('.json'));
  expect(others.sort()).toEqual([`${file}.b0b1c2d3-0000-4000-8000-000000000000`, 'notes.txt']);
  await rm(path, { recursive: true });
});

it('forgets in memory what was kept the longest ago', async () => {
  const memory = new KeyedMemory<number>(2);
  await memory.keep({ name: 'a' }, 1);
  await memory.keep({ name: 'b' }, 2);
  await memory.keep({ name: 'a' }, 3);
  await memory.keep({ name: 'c' }, 4);
  expect(await Promise.all(['a', 'b', 'c'].map((name) => memory.find({ name })))).toEqual([3, undefined, 4]);
});
