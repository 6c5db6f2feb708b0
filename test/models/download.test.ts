import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DownloadProgress } from '../../src/models/receive.js';
import { ggufOf } from '../support/gguf-files.js';
import {
  ADDRESS,
  BIG,
  big,
  failure,
  folder,
  get,
  hub,
  interrupted,
  kept,
  models,
  partials,
  withHub,
} from '../support/hub-downloads.js';

withHub();

/** The long model, of a server that knows no checksum. */
const urlAddress = () => `${hub.cdn}/${encodeURIComponent(BIG)}`;

describe('a download', () => {
  it('puts what the hub has into the models folder, checked', async () => {
    const seen: number[] = [];
    const result = await get(ADDRESS, { onProgress: ({ bytes }) => seen.push(bytes) });
    expect(result).toEqual({
      address: ADDRESS,
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
    for (const [i, name] of names.entries()) hub.files.set(name, ggufOf(1e5 * (i + 1)));
    const result = await get('hf:someone/Parts-GGUF:Q8_0');
    expect(result).toMatchObject({
      path: join(folder, 'hf', names[0]!),
      bytes: 6e5,
      sha256: null,
      checked: true,
    });
    expect((await models()).sort()).toEqual(names.map((name) => join('hf', name)));
  });

  it('takes a file from any server, without a checksum', async () => {
    const result = await get(urlAddress()).catch((error) => error);
    expect(result).toMatchObject({ checked: false, sha256: null, downloaded: true, bytes: big.length });
  });

  it.each([403, 405])('takes a file from a server that answers %d to HEAD', async (head) => {
    hub.mood.head = head;
    const address = urlAddress();
    expect(await interrupted({ address })).toEqual([expect.stringMatching(/MB of 3\.13 MB are kept/)]);
    hub.mood.holdAfter = undefined;
    expect(await get(address)).toMatchObject({ downloaded: true, bytes: big.length });
  });

  it('asks for a path as it was given, and for the parts beside it', async () => {
    const part = (i: number) => `models/a-0000${i}-of-00002.gguf`;
    for (const i of [1, 2]) hub.files.set(part(i), ggufOf(1e6));
    await get(`${hub.cdn}/${part(2).replace('/', '%2F')}?alt=media`);
    expect([...new Set(hub.fetched.map(({ url }) => url))]).toEqual(
      [1, 2].map((i) => `/${part(i).replace('/', '%2F')}?alt=media`),
    );
  });

  it.each(['', 'Identity', 'aws-chunked'])(
    'takes what is called encoded, %j, and is not',
    async (encoding) => {
      hub.mood = { encoding };
      expect(await get(`${hub.cdn}/${encodeURIComponent(BIG)}`)).toMatchObject({ bytes: big.length });
    },
  );

  it('asks on where a server gives shorter ranges than it is asked for', async () => {
    hub.mood.longestRange = 1e6;
    expect((await readFile((await get(urlAddress())).path)).equals(big)).toBe(true);
  });

  it('copes with a server that knows no ranges', async () => {
    hub.mood.ranges = false;
    expect(await get()).toMatchObject({ checked: true, bytes: big.length });
  });

  it('is not pieced together from a server that knows no ranges', async () => {
    hub.mood = { ranges: false, cuts: 3 }; // two bodies are only begun, for what is told beside them
    expect(await failure(urlAddress())).toMatch(/was lost \(.*nothing is kept yet; .* begins anew$/);
    expect(await models()).toEqual([]);
    expect((await readFile((await get(urlAddress())).path)).equals(big)).toBe(true);
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
      expect.stringMatching(/^big-Q4_K_M\.gguf: [\d.]+ MB of 3\.13 MB are kept; the same command continues$/),
    ]);
    expect(await models()).toEqual([]);
    expect(await partials()).toHaveLength(1);
    hub.reset();
    expect(await get()).toMatchObject({ checked: true });
    const asked = hub.fetched.filter(({ method }) => method === 'GET');
    expect(asked.every(({ range }) => range !== undefined)).toBe(true);
    const bytes = asked.reduce((sum, { sent }) => sum + sent, 0);
    expect(bytes).toBeLessThan(big.length - 5e5);
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

  it('makes room for another version before that one comes', async () => {
    await interrupted();
    hub.reset();
    hub.files.set(BIG, Buffer.from(big).fill(7, 1000));
    const held: Promise<number>[] = [];
    const onProgress = () => held.push(kept());
    await get(ADDRESS, { onProgress });
    expect(await held[0]).toBe(0);
  });

  it('ends where the file changes on the server, which may tell no checksum', async () => {
    hub.mood = { bytesPerSecond: 3e6, cuts: 1 };
    const other = Buffer.from(big).fill(7, 1000);
    const onProgress = ({ bytes }: DownloadProgress) => void (bytes > 1e5 && hub.files.set(BIG, other));
    expect(await failure(urlAddress(), { onProgress })).toMatch(
      /gives another big-Q4_K_M\.gguf than was begun/,
    );
    expect(await models()).toEqual([]);
    hub.reset();
    expect((await readFile((await get(urlAddress())).path)).equals(other)).toBe(true);
  });

  it('goes on by itself after a connection that was cut', async () => {
    hub.mood.cuts = 2;
    expect(await get()).toMatchObject({ checked: true });
    expect(hub.sent).toBeLessThan(1.8 * big.length);
  });

  it('goes on by itself after an answer that ended early and looked whole', async () => {
    hub.mood = { cuts: 2, silentCuts: true };
    const { path } = await get(urlAddress());
    expect((await readFile(path)).equals(big)).toBe(true);
  });

  it('says what is kept where the server does not come back, also where nothing comes at all', async () => {
    hub.mood.goneAfter = 2e6;
    const message = await failure(ADDRESS, { stallMs: 600 });
    expect(message).toMatch(
      /^The connection to 127\.0\.0\.1:\d+ was lost \([\w ]+\)\. big-Q4_K_M\.gguf: [\d.]+ MB of 3\.13 MB are kept; the same command continues$/,
    );
    const megabytes = `${((await kept()) / 1e6).toFixed(2)} MB`;
    expect(message).toContain(`: ${megabytes} of`);
    expect(await models()).toEqual([]);
    expect(await failure(ADDRESS, { stallMs: 100 })).toContain(`: ${megabytes} of`);
    hub.reset();
    expect(await get()).toMatchObject({ checked: true });
    expect(hub.sent).toBeLessThan(big.length);
  });

  it('says that nothing is kept where that is so', async () => {
    hub.mood.ranges = false;
    expect(await interrupted({ least: 0 })).toEqual([
      'big-Q4_K_M.gguf: nothing is kept yet; the same command begins anew',
    ]);
  });

  it('comes nearer to its end each time, also over a slow line', async () => {
    const steps: number[] = [];
    for (const least of [1e5, 5e5, 9e5]) {
      await interrupted({ sent: 5e5, least });
      steps.push(await kept());
    }
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
  });

  it('does not go on with a file of which the server tells no version', async () => {
    hub.mood.etag = false;
    const address = urlAddress();
    expect(await interrupted({ address })).toEqual([expect.stringMatching(/nothing is kept yet/)]);
    const other = Buffer.from(big).fill(7, 1000);
    hub.files.set(BIG, other);
    hub.mood.holdAfter = undefined;
    expect((await readFile((await get(address)).path)).equals(other)).toBe(true);
  });

  it('is checked and not downloaded again, where it was complete', async () => {
    const controller = new AbortController();
    const run = get(ADDRESS, {
      signal: controller.signal,
      onProgress: ({ state }) => state === 'checking' && controller.abort(),
    });
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    expect(await models()).toEqual([]);
    hub.reset();
    expect(await get()).toMatchObject({ checked: true, downloaded: true });
    expect(hub.fetched).toEqual([]);
  });

  it('ends well where another process took over while this one slept, and had done', async () => {
    hub.mood.holdAfter = 1e6;
    const run = get();
    while (hub.sent < 1e6) await sleep(20);
    const path = join(folder, 'hf', BIG);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, big);
    await rm(join(folder, '.partial'), { recursive: true });
    hub.mood.holdAfter = undefined;
    expect(await run).toMatchObject({ path, downloaded: false });
  });
});

describe('a file of a server that tells no length', () => {
  beforeEach(() => {
    hub.mood.tells = false;
  });

  it('is as long as it comes, where its weights are of a type that is not known', async () => {
    const bytes = ggufOf(3e5);
    bytes.writeUInt32LE(99, bytes.indexOf('noise', bytes.indexOf('noise') + 1) + 'noise'.length + 12);
    hub.files.set(BIG, bytes);
    expect(await get(`${hub.cdn}/${encodeURIComponent(BIG)}`)).toMatchObject({ bytes: bytes.length });
  });

  it('and that ends too early is no model', async () => {
    hub.files.set(BIG, big.subarray(0, 3e5));
    expect(await failure(urlAddress())).toMatch(/has 300000 bytes, and its header tells of at least \d+/);
    expect(await models()).toEqual([]);
  });

  it('but its version begins anew after it was interrupted', async () => {
    hub.mood.etag = true;
    const address = urlAddress();
    expect(await interrupted({ address, sent: 15e5, least: 0 })).toEqual([
      expect.stringMatching(/nothing is kept yet/),
    ]);
    hub.mood.holdAfter = undefined;
    expect((await readFile((await get(address)).path)).equals(big)).toBe(true);
  });

  it.each([false, true])('comes to its last byte; with ranges: %s', async (ranges) => {
    hub.mood.ranges = ranges;
    for (const bytes of [ggufOf(15 * 2 ** 16), ggufOf(big.length - 1)]) {
      hub.files.set(BIG, bytes);
      expect((await readFile((await get(urlAddress(), { verify: true })).path)).equals(bytes)).toBe(true);
    }
  });

  it('is taken as it is there, and downloaded again where that is wanted', async () => {
    await get(urlAddress());
    expect(await get(urlAddress())).toMatchObject({ downloaded: false });
    const notices: string[] = [];
    const options = { verify: true, onNotice: (line: string) => notices.push(line) };
    expect(await get(urlAddress(), options)).toMatchObject({ downloaded: true, bytes: big.length });
    expect(notices).toEqual([expect.stringMatching(/does not tell how long it is; downloading it again$/)]);
  });
});

describe('a file that is there', () => {
  it('and as long as the hub says is not called checked', async () => {
    await get();
    expect(await get()).toMatchObject({ downloaded: false, sha256: null, checked: false });
  });

  it('is checked where that is wanted, and downloaded again where it differs', async () => {
    const { path, sha256 } = await get();
    const notices: string[] = [];
    const again = () => get(ADDRESS, { verify: true, onNotice: (line) => notices.push(line) });
    expect(await again()).toMatchObject({ downloaded: false, sha256, checked: true });
    expect(notices).toEqual([]);
    await writeFile(path, Buffer.from(big).fill(7, 1000));
    expect(await again()).toMatchObject({ downloaded: true, sha256, checked: true });
    expect(notices).toEqual(['big-Q4_K_M.gguf is there, but not as the hub has it; downloading it again']);
    expect((await readFile(path)).equals(big)).toBe(true);
  });
});
