import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CostCurves } from '../../src/tuning/cost-curves.js';
import { CostFolder, CostMemory } from '../../src/tuning/cost-store.js';

const CURVES: CostCurves = {
  target: [
    { rows: 1, ms: 2 },
    { rows: 5, ms: 3 },
  ],
  draft: [{ rows: 1, ms: 0.5 }],
};
const KEY = { target: 'a.gguf 5 7', threads: null, text_up_to: 1024 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-costs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each(['folder', 'memory'])('what passes cost, kept in a %s', (kind) => {
  const open = () => (kind === 'folder' ? new CostFolder(join(folder, 'new')) : new CostMemory());

  it('is found again under the same key, and under no other', async () => {
    const store = open();
    expect(await store.find(KEY)).toBeUndefined();
    await store.keep(KEY, CURVES);
    expect(await store.find({ ...KEY })).toEqual(CURVES);
    expect(await store.find({ ...KEY, text_up_to: 2048 })).toBeUndefined();
  });

  it('is corrected', async () => {
    const store = open();
    await store.keep(KEY, CURVES);
    await store.correct(KEY, { ...CURVES, draft: [{ rows: 1, ms: 9 }] });
    expect((await store.find(KEY))!.draft).toEqual([{ rows: 1, ms: 9 }]);
  });

  it('is what was kept last, and may lack a draft model', async () => {
    const store = open();
    await store.keep(KEY, CURVES);
    await store.keep(KEY, { target: CURVES.target, draft: undefined });
    expect(await store.find(KEY)).toEqual({ target: CURVES.target, draft: undefined });
  });
});

describe('CostFolder', () => {
  it.each([
    '{',
    '{"target": []}',
    '{"key": {}, "target": [{"rows": 2, "ms": 1}]}',
    '{"key": {}, "target": [{"rows": 1, "ms": -1}]}',
    '{"key": {}, "target": [{"rows": 1, "ms": 1}, {"rows": 1, "ms": 1}]}',
  ])('takes a file that holds %s for none', async (text) => {
    const store = new CostFolder(folder);
    await store.keep(KEY, CURVES);
    const [file] = await readdir(folder);
    await writeFile(join(folder, file!), text);
    expect(await store.find(KEY)).toBeUndefined();
  });

  it('says in its file what was measured, and leaves nothing half-written', async () => {
    const store = new CostFolder(folder);
    await Promise.all(Array.from({ length: 8 }, () => store.keep(KEY, CURVES)));
    const files = await readdir(folder);
    expect(files).toHaveLength(1);
    expect(JSON.parse(await readFile(join(folder, files[0]!), 'utf8'))).toEqual({ key: KEY, ...CURVES });
  });

  it('keeps nothing where its folder cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    const store = new CostFolder(join(folder, 'file', 'below'));
    await store.keep(KEY, CURVES);
    expect(await store.find(KEY)).toBeUndefined();
  });
});
