import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/generation/settings.js';
import type { CostCurves } from '../../src/tuning/cost-curves.js';
import { draftUnder, learnedUnder, usualUnder } from '../../src/tuning/profile.js';
import {
  CostFile,
  isSameFile,
  ownProfile,
  profiledModel,
  readProfile,
  writeProfile,
} from '../../src/tuning/profile-file.js';
import { fakeProfile, TUNED, TUNED_DRAFT } from '../support/fake-profile.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-profile-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the file of a profile', () => {
  it('is read as it was written, its keys in snake_case, those of costs as they are', async () => {
    const path = join(folder, 'new', 'pair.json');
    const profile = await fakeProfile();
    await writeProfile(path, profile);
    expect(await readProfile(path)).toEqual(profile);
    const text = await readFile(path, 'utf8');
    expect(text).toContain('"beam_width": 2');
    expect(text).toContain('"text_up_to": 512');
    expect(text).not.toMatch(/"\w*[A-Z]\w*":/);
  });

  it('is whole at any time, whoever writes it', async () => {
    const path = join(folder, 'pair.json');
    const profile = await fakeProfile();
    await Promise.all(Array.from({ length: 8 }, () => writeProfile(path, profile)));
    expect(await readdir(folder)).toEqual(['pair.json']);
    expect(await readProfile(path)).toEqual(profile);
  });

  it('may be missing, and is refused where it is something else', async () => {
    expect(await readProfile(join(folder, 'none.json'))).toBeUndefined();
    const path = join(folder, 'other.json');
    const { schema: _, ...rest } = await fakeProfile();
    for (const text of ['{', '{"schema": 2}', '[]', JSON.stringify(rest), 'draft-length = 4']) {
      await writeFile(path, text);
      await expect(readProfile(path)).rejects.toThrow(
        `${path} is no profile of a pair: give \`profile\` a file that mtad wrote, or a new name`,
      );
    }
  });

  it('has a place for each pair, by the paths of its models', () => {
    const place = ownProfile(folder, '/a/big.gguf', '/a/small.gguf');
    expect(place).toMatch(/big\+small-[0-9a-f]{8}\.json$/);
    expect(ownProfile(folder, '/b/big.gguf', '/a/small.gguf')).not.toBe(place);
    expect(ownProfile(folder, '/a/../a/big.gguf', '/a/small.gguf')).toBe(place);
    expect(ownProfile(folder, '/a/big.gguf', undefined)).toMatch(/big-[0-9a-f]{8}\.json$/);
  });

  it('knows the files of its models again by size and time', async () => {
    const path = join(folder, 'small.gguf');
    expect(await profiledModel(path)).toBeUndefined();
    await writeFile(path, 'GGUF');
    const then = (await profiledModel(path))!;
    expect(then).toEqual({ path, bytes: 4, modified: expect.any(Number) });
    expect(isSameFile(then, { ...then, path: '/elsewhere' })).toBe(true);
    expect(isSameFile(then, { ...then, bytes: 5 })).toBe(false);
    expect(isSameFile(then, { ...then, modified: then.modified + 1 })).toBe(false);
  });
});

describe('CostFile', () => {
  const CURVES: CostCurves = { target: [{ rows: 1, ms: 2 }], draft: [{ rows: 1, ms: 0.5 }] };
  const KEY = { target: 'a.gguf 5 7', text_up_to: 1024 };
  const path = () => join(folder, 'mine.json');

  it('is written where it is missing, and holds for every key', async () => {
    const store = new CostFile(path());
    expect(await store.find()).toBeUndefined();
    await store.keep(KEY, CURVES);
    expect(await new CostFile(path()).find()).toEqual(CURVES);
    expect(await readProfile(path())).toEqual({ schema: 1, costs: { key: KEY, ...CURVES } });
  });

  it('is never corrected, and refused where it holds something else or cannot be written', async () => {
    const store = new CostFile(path());
    await store.keep(KEY, CURVES);
    await store.correct();
    expect(await store.find()).toEqual(CURVES);
    await writeFile(path(), 'draft-length = 4');
    await expect(store.find()).rejects.toThrow(`${path()} is no profile of a pair`);
    await expect(new CostFile(join(path(), 'below')).keep(KEY, CURVES)).rejects.toThrow(
      /^`profile` cannot be written to .*below: E(NOTDIR|EXIST)$/,
    );
  });
});

describe('what a profile knows of a draft', () => {
  const settings = { ...DEFAULTS, draftFrom: 'model', ...TUNED.settings, ...TUNED.sampling, seed: 7 };

  it('holds under the settings that it was found under, and under no others', async () => {
    const profile = await fakeProfile();
    expect(draftUnder(profile, settings)).toEqual(TUNED_DRAFT);
    const others = { draftFirst: 'corpus', draftTail: 'lookup' };
    expect(draftUnder(profile, { ...settings, ...others })).toEqual(TUNED_DRAFT);
    const tuned = [{ beamWidth: 4 }, { strategy: 'block' }, { threshold: 0.5 }, { topK: 0 }];
    const atTheirDefaults = [
      { draftFrom: 'lookup' },
      { draftFrom: 'mtp' },
      { clip: true },
      { minP: 0.1 },
      { repeatPenalty: 1.1 },
      { presencePenalty: 1 },
      { frequencyPenalty: 1 },
      { grammar: { jsonSchema: {} } },
    ];
    for (const other of [...tuned, ...atTheirDefaults])
      expect(draftUnder(profile, { ...settings, ...other })).toBeUndefined();
    expect(draftUnder(undefined, settings)).toBeUndefined();
  });

  it('is no measure where the model is not asked in the easy places', async () => {
    const profile = await fakeProfile();
    expect(usualUnder(profile, { ...settings, draftTail: 'corpus' })).toEqual(TUNED_DRAFT);
    expect(usualUnder(profile, { ...settings, draftFirst: 'corpus' })).toBeUndefined();
  });

  it('is a beginning for other thresholds too: a lower one accepts more', async () => {
    const profile = await fakeProfile();
    expect(learnedUnder(profile, settings)).toEqual({
      threshold: 0.3,
      survival: TUNED_DRAFT.survival,
      usualDrop: TUNED_DRAFT.usualDrop,
    });
    const lower = learnedUnder(profile, { ...settings, threshold: 0.1 })!;
    expect(lower.survival.a).toBeGreaterThan(TUNED_DRAFT.survival.a);
    expect(learnedUnder(profile, { ...settings, threshold: 'auto' })).toBeUndefined();
    expect(learnedUnder(profile, { ...settings, beamWidth: 4 })).toBeUndefined();
  });

  it('begins at a threshold of 1 where the strategy has none, and knows nothing where it says not to draft', async () => {
    const lossless = { strategy: 'speculative', beamWidth: 2, draftLength: 'auto' };
    const ofLossless = await fakeProfile({ ...TUNED, settings: lossless });
    expect(learnedUnder(ofLossless, { ...settings, ...lossless })).toMatchObject({ threshold: 1 });
    expect(learnedUnder(await fakeProfile({ ...TUNED, draft: null }), settings)).toBeUndefined();
  });
});
