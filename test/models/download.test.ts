import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ADDRESS,
  BIG,
  big,
  failure,
  folder,
  get,
  hub,
  interrupted,
  models,
  partials,
} from '../support/hub-downloads.js';

describe('a download', () => {
  it('puts what the hub has into the models folder, checked', async () => {
    const seen: number[] = [];
    const result = await get(ADDRESS, { onProgress: ({ bytes }) => seen.push(bytes) });
    expect(result).toEqual({
      path: join(folder, 'hf', BIG),
      bytes: big.length,
      sha256: createHash('sha256').update(big).digest('hex'),
      checked: true,
      downloaded: true,
    });
    expect((await readFile(result.path)).equals(big)).toBe(true);
    expect(seen.at(-1)).toBe(big.length);
    expect(await readdir(join(folder, '.partial'), { recursive: true })).not.toContainEqual(
      expect.stringMatching('big'),
    );
  });

  it('downloads nothing twice', async () => {
    await get();
    hub.log.length = 0;
    expect(await get()).toMatchObject({
      downloaded: false,
      path: join(folder, 'hf', BIG),
      bytes: big.length,
    });
    expect(hub.fetched).toEqual([]);
  });

  it('takes what the hub has now, where that changed', async () => {
    await get();
    const other = Buffer.concat([big, Buffer.from('more')]);
    hub.files.set(BIG, other);
    expect(await get()).toMatchObject({ downloaded: true, bytes: other.length });
    expect((await readFile(join(folder, 'hf', BIG))).equals(other)).toBe(true);
  });

  it('takes every part of a model in parts', async () => {
    const names = [1, 2, 3].map((i) => `someone/Parts-GGUF/sub/parts-Q8_0-0000${i}-of-00003.gguf`);
    for (const [i, name] of names.entries()) hub.files.set(name, big.subarray(0, 1e6 * (i + 1)));
    const result = await get('hf:someone/Parts-GGUF:Q8_0');
    expect(result).toMatchObject({
      path: join(folder, 'hf', names[0]!),
      bytes: 6e6,
      sha256: null,
      checked: true,
    });
    expect((await models()).sort()).toEqual(names.map((name) => join('hf', name)));
  });

  it('takes a file from any server, without a checksum', async () => {
    const result = await get(`${hub.cdn}/${encodeURIComponent(BIG)}`).catch((error) => error);
    expect(result).toMatchObject({ checked: false, sha256: null, downloaded: true, bytes: big.length });
  });

  it('copes with a server that knows no ranges', async () => {
    hub.mood.ranges = false;
    expect(await get()).toMatchObject({ checked: true, bytes: big.length });
  });

  it('stays in the folder whatever a server says', async () => {
    hub.mood.disposition = 'attachment; filename="../../../evil.gguf"';
    expect((await get()).path).toBe(join(folder, 'hf', BIG));
    hub.mood.rfilename = '../../../../evil.gguf';
    expect(await failure()).toContain('evil.gguf');
    expect(await models()).toEqual([join('hf', BIG)]);
    expect(existsSync(join(dirname(folder), 'evil.gguf'))).toBe(false);
  });
});

describe('an interrupted download', () => {
  it('is continued by asking for the rest alone', async () => {
    const notices = await interrupted();
    expect(notices).toEqual([
      expect.stringMatching(/^big-Q4_K_M\.gguf: [\d.]+ MB of 31\.3 MB are kept; the same command continues$/),
    ]);
    expect(await models()).toEqual([]);
    expect(await partials()).toHaveLength(1);
    hub.reset();
    expect(await get()).toMatchObject({ checked: true });
    const asked = hub.fetched.filter(({ method }) => method === 'GET');
    expect(asked.every(({ range }) => range !== undefined)).toBe(true);
    const bytes = asked.reduce((sum, { sent }) => sum + sent, 0);
    expect(bytes).toBeLessThan(big.length - 5e6);
    expect((await readFile(join(folder, 'hf', BIG))).equals(big)).toBe(true);
  });

  it('is not continued with another version of the file', async () => {
    await interrupted();
    const other = Buffer.from(big).fill(7, 1000);
    hub.reset();
    hub.files.set(BIG, other);
    expect(await get()).toMatchObject({ checked: true });
    expect((await readFile(join(folder, 'hf', BIG))).equals(other)).toBe(true);
  });

  it('goes on by itself after a connection that was cut', async () => {
    hub.mood.cuts = 2;
    expect(await get()).toMatchObject({ checked: true });
    expect(hub.fetched.reduce((sum, { sent }) => sum + sent, 0)).toBeLessThan(1.8 * big.length);
  });

  it('says how far it came where the server does not come back', async () => {
    hub.mood.bytesPerSecond = 20e6;
    const message = await failure(ADDRESS, {
      stallMs: 2000,
      onProgress: ({ bytes }) => {
        if (bytes > 15e6) hub.mood.gone = true;
      },
    });
    expect(message).toMatch(
      /^The connection to 127\.0\.0\.1:\d+ was lost at 1\d\.\d MB of 31\.3 MB of big-Q4_K_M\.gguf \(\w+\); what came is kept, the same command continues$/,
    );
    expect(await models()).toEqual([]);
    hub.reset();
    expect(await get()).toMatchObject({ checked: true });
    expect(hub.fetched.reduce((sum, { sent }) => sum + sent, 0)).toBeLessThan(big.length);
  });
});
