import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prior } from '../../src/tuning/learned.js';
import { LearnedFolder, LearnedMemory } from '../../src/tuning/learned-store.js';

const KEY = { target: 'a.gguf 5 7', strategy: 'mtad', threshold: 0.25 };
const LEARNED = {
  ...prior(0.3),
  purse: 4,
  tail: { survival: prior(0.3).survival, worth: 0.5 },
  draftGain: 0.5,
  freeSources: [{ repeated: prior(1).survival, other: prior(0.3).survival }],
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-learned-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each(['folder', 'memory'])('what is learned of a draft, kept in a %s', (kind) => {
  it('is found again under the same key, and under no other; the last one stands', async () => {
    const store = kind === 'folder' ? new LearnedFolder(join(folder, 'new')) : new LearnedMemory();
    expect(await store.find(KEY)).toBeUndefined();
    await store.keep(KEY, prior(0.5));
    await store.keep(KEY, LEARNED);
    expect(await store.find({ ...KEY })).toEqual(LEARNED);
    expect(await store.find({ ...KEY, threshold: 0.5 })).toBeUndefined();
  });
});

describe('LearnedFolder', () => {
  it.each([
    '{',
    '{}',
    '{"threshold": 2}',
    '{"threshold": 0.5, "survival": {"a": "x"}, "usualDrop": 1}',
    '{"threshold": 0.5, "survival": {"a": 1, "b": -1, "covariance": {"aa": -1, "ab": 0, "bb": 1}}, "usualDrop": 1}',
    '{"threshold": 0.5, "survival": {"a": 1, "b": -1, "covariance": {"aa": 0.1, "ab": -2, "bb": 0.1}}, "usualDrop": 1}',
  ])('takes a file that holds %s for none, and writes it anew', async (text) => {
    const store = new LearnedFolder(folder);
    await store.keep(KEY, LEARNED);
    const [file] = await readdir(folder);
    await writeFile(join(folder, file!), text);
    expect(await store.find(KEY)).toBeUndefined();
    await store.keep(KEY, LEARNED);
    expect(await store.find(KEY)).toEqual(LEARNED);
  });

  it('says in its file what it is of, and leaves nothing half-written where many write at once', async () => {
    const stores = Array.from({ length: 8 }, () => new LearnedFolder(folder));
    await Promise.all(stores.map((store) => store.keep(KEY, LEARNED)));
    const files = await readdir(folder);
    expect(files).toHaveLength(1);
    expect(JSON.parse(await readFile(join(folder, files[0]!), 'utf8'))).toEqual({ key: KEY, ...LEARNED });
  });

  it('keeps nothing where its folder cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    const store = new LearnedFolder(join(folder, 'file', 'below'));
    await store.keep(KEY, LEARNED);
    expect(await store.find(KEY)).toBeUndefined();
  });
});
