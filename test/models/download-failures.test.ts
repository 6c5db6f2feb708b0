import { readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { parseAddress } from '../../src/models/address.js';
import { type DownloadOptions, download } from '../../src/models/download.js';
import {
  ADDRESS,
  BIG,
  big,
  failure,
  folder,
  get,
  hub,
  models,
  partials,
  withHub,
} from '../support/hub-downloads.js';

withHub();

describe('what is not what the hub said', () => {
  it.each([
    ['a wrong checksum', { linkedEtag: 'ab'.repeat(32) }, /has the SHA-256 [0-9a-f]{64} instead of (ab){32}/],
    ['a wrong length', { linkedSize: 123 }, /has \d+ bytes instead of 123/],
  ])('%s: nothing is kept, one line', async (_, mood, message) => {
    Object.assign(hub.mood, mood);
    expect(await failure()).toMatch(message);
    expect(await models()).toEqual([]);
    expect(await partials()).toEqual([]);
    hub.reset();
    expect(await get()).toMatchObject({ checked: true });
  });

  it('a page instead of a model', async () => {
    hub.files.set(BIG, Buffer.from('<!doctype html><title>Sign in</title>'));
    expect(await failure()).toContain('is not a GGUF file');
    expect(await models()).toEqual([]);
  });

  it('nothing at all', async () => {
    hub.files.set(BIG, Buffer.alloc(0));
    expect(await failure(`${hub.cdn}/${encodeURIComponent(BIG)}`)).toMatch(
      /sends nothing as .*check the address/,
    );
    expect(await models()).toEqual([]);
  });

  it('fewer bytes than the answer promises', async () => {
    hub.mood.contentLength = big.length + 1000;
    hub.mood.ranges = false;
    hub.mood.linkedSize = big.length + 1000;
    expect(await failure(ADDRESS, { stallMs: 200 })).toMatch(/was lost \(.*nothing is kept yet/);
    expect(await models()).toEqual([]);
  });
});

describe('a refusal', () => {
  it.each([
    [
      { token: 'hf_right' },
      /gated or private \(401\).*accept the licence on http.*someone\/Big-GGUF and set HF_TOKEN/,
    ],
    [{ refuseWith: 403 }, /\(403\)/],
    [{ refuseWith: 404 }, /no file of quantisation Q4_K_M/],
    [{ refuseWith: 503 }, /has trouble \(503\); try again later/],
    [
      { refuseWith: 429, retryAfter: '600' },
      /too many requests \(429\); try again in some minutes, or set HF_TOKEN/,
    ],
  ])('%j is one line that says what to do', async (mood, message) => {
    Object.assign(hub.mood, mood);
    expect(await failure()).toMatch(message);
  });

  it('names the quantisation or the file that is missing', async () => {
    expect(await failure('hf:someone/Big-GGUF:Q9_X')).toContain('Q9_X');
    expect(await failure('hf:someone/Big-GGUF/other.gguf')).toMatch(/other\.gguf: .*branch main/);
    expect(await failure('hf:nobody/nothing')).toContain('nobody/nothing');
  });

  it('a limit of requests is waited for, and told', async () => {
    const notices: string[] = [];
    hub.mood.limits = 2;
    expect(await get(ADDRESS, { onNotice: (line) => notices.push(line) })).toMatchObject({ checked: true });
    expect(notices).toEqual(Array(2).fill(expect.stringMatching(/limits how often .* in 1 s$/)));
  });

  it.each([
    [429, /stopped giving hf:.*too many requests \(429\)/],
    [404, /stopped giving hf:.*there is no file of quantisation Q4_K_M, .* \(404\)/],
  ])('%d of the server with the files, which lasts: what it says', async (cdnStatus, message) => {
    hub.mood.bytesPerSecond = 5e6;
    const options = { stallMs: 300, onProgress: () => (hub.mood = { cdnStatus }) };
    expect(await failure(ADDRESS, options)).toMatch(message);
  });

  it.each(['http://%zz:99999/', 'file:///etc/passwd'])('a way that leads to %s', async (leadsTo) => {
    hub.mood.leadsTo = leadsTo;
    expect(await failure('hf:someone/Big-GGUF/big-Q4_K_M.gguf')).toMatch(
      /leads to .*, which is no http address/,
    );
  });

  it('nobody there', async () => {
    process.env.HF_ENDPOINT = 'http://127.0.0.1:2';
    expect(await failure()).toMatch(/^Cannot reach 127\.0\.0\.1:2 \(ECONNREFUSED\)/);
  });
});

describe('the token', () => {
  it('opens what is gated, from the environment or the file that the hub keeps, and never leaves the hub', async () => {
    hub.mood.token = 'hf_right';
    process.env.HF_TOKEN = 'hf_wrong';
    expect(await failure()).toMatch(/refused to your token \(401\).*HF_TOKEN/);
    process.env.HF_TOKEN = 'hf_right';
    expect(await get()).toMatchObject({ checked: true });
    expect(hub.log.filter(({ authorization }) => authorization).map(({ server }) => server)).toContain('hub');
    expect(hub.fetched.map(({ authorization }) => authorization)).not.toContainEqual(expect.anything());

    delete process.env.HF_TOKEN;
    await rm(join(folder, 'hf'), { recursive: true });
    await writeFile(join(folder, 'token'), 'hf_right\n');
    process.env.HF_HOME = folder;
    expect(await get()).toMatchObject({ checked: true });
  });

  it('opens what is gated and has another name now', async () => {
    hub.mood = { token: 'hf_right', renamed: 'someone/Big-GGUF' };
    process.env.HF_TOKEN = 'hf_right';
    for (const file of ['/big-Q4_K_M.gguf', ':Q4_K_M'])
      expect(await get(`hf:someone/Old-GGUF${file}`, { verify: true })).toMatchObject({ checked: true });
    expect(hub.fetched.map(({ authorization }) => authorization)).not.toContainEqual(expect.anything());
  });

  it('is not repeated where no request can carry it', async () => {
    process.env.HF_TOKEN = 'hf_one\nhf_two';
    const error = await get().catch((error) => error);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.stack).not.toMatch(/hf_one|hf_two/);
  });

  it('is not shown where nobody asks for it', async () => {
    process.env.HF_TOKEN = 'hf_right';
    await get();
    expect(hub.log.map(({ authorization }) => authorization)).not.toContainEqual(expect.anything());
  });
});

describe('the disk', () => {
  it('too small for what is to come: said before anything comes', async () => {
    hub.mood.linkedSize = 1e15;
    expect(await failure()).toMatch(/has [\d.]+ GB free, and 1\.00 PB are to come; make room/);
    expect(hub.fetched).toEqual([]);
  });
});

describe('the disk for a model in parts', () => {
  it('too small for all of them together: said before anything comes', async () => {
    for (const i of [1, 2]) hub.files.set(`someone/Parts-GGUF/a-Q8_0-0000${i}-of-00002.gguf`, big);
    const { bavail, bsize } = await statfs(folder);
    hub.mood.linkedSize = Math.floor(0.6 * bavail * bsize);
    expect(await failure('hf:someone/Parts-GGUF:Q8_0')).toMatch(/are to come; make room/);
    expect(hub.fetched).toEqual([]);
  });
});

describe('of several models', () => {
  const several = async (names: readonly string[], options: DownloadOptions = {}) => {
    const addresses = names.map((name) => parseAddress(name)!);
    for await (const { downloaded } of download(addresses, { modelsDir: folder, ...options }))
      expect(downloaded).toBe(true);
  };

  it('one that is not to be had: said before another one comes', async () => {
    await expect(several([ADDRESS, 'hf:someone/Nope-GGUF:Q8_0'])).rejects.toThrow(
      /does not give .*Nope-GGUF/,
    );
    expect(hub.fetched).toEqual([]);
  });

  it('more than the disk has room for: said before one comes', async () => {
    hub.files.set('someone/Other-GGUF/other-Q8_0.gguf', big);
    const { bavail, bsize } = await statfs(folder);
    hub.mood.linkedSize = Math.floor(0.6 * bavail * bsize);
    await expect(several([ADDRESS, 'hf:someone/Other-GGUF'])).rejects.toThrow(/are to come; make room/);
    expect(hub.fetched).toEqual([]);
  });

  it('the same one twice needs room once', async () => {
    const { bavail, bsize } = await statfs(folder);
    hub.mood.linkedSize = Math.floor(0.6 * bavail * bsize);
    const enough = new AbortController();
    const options = { signal: enough.signal, onProgress: () => enough.abort() }; // once one is about to come
    await expect(several([ADDRESS, ADDRESS], options)).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('two at once', () => {
  it('get one right file, which is fetched once', async () => {
    const notices: string[] = [];
    const results = await Promise.all(
      [1, 2].map(() => get(ADDRESS, { onNotice: (line) => notices.push(line) })),
    );
    expect(results.map(({ downloaded }) => downloaded).sort()).toEqual([false, true]);
    expect(notices).toEqual([`another mtad downloads ${basename(BIG)}, or was killed; waiting`]);
    expect((await readFile(join(folder, 'hf', BIG))).equals(big)).toBe(true);
    expect(hub.sent).toBeLessThan(1.5 * big.length); // some is dropped where two connections overlap
  });
});
