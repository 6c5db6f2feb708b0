import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ModelFileError, UsageError } from '../../src/errors.js';
import { parseAddress } from '../../src/models/address.js';
import { type DownloadOptions, download } from '../../src/models/download.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { Hub } from '../support/hub.js';

/** Half a dozen of the chunks in which the downloader counts. */
const BIG = 'someone/Big-GGUF/big-Q4_K_M.gguf';
const ADDRESS = 'hf:someone/Big-GGUF:Q4_K_M';

let hub: Hub;
let folder: string;
let big: Buffer;
const before = { ...process.env };

beforeAll(async () => {
  hub = await Hub.open();
  const model = await readFile(EMBEDDED_PAIR.model);
  big = Buffer.concat([model, Buffer.from(Uint8Array.from({ length: 20e6 }, (_, i) => (i * 7919) >> 8))]);
});
afterAll(() => hub.close());

beforeEach(async () => {
  hub.reset();
  hub.files.clear();
  hub.files.set(BIG, big);
  folder = await mkdtemp(join(tmpdir(), 'mtad-download-'));
  Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, HF_HOME: '/no/such/folder' });
  for (const name of ['HF_TOKEN', 'HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'])
    delete process.env[name];
});
afterEach(async () => {
  process.env = { ...before };
  await rm(folder, { recursive: true, force: true });
});

const get = (address = ADDRESS, options: DownloadOptions = {}) =>
  download(parseAddress(address)!, { modelsDir: folder, stallMs: 1000, ...options });

/** Files under their final names. */
const models = async () =>
  (await readdir(folder, { recursive: true })).filter(
    (name) => name.endsWith('.gguf') && !name.startsWith('.'),
  );

const partials = async () =>
  (await readdir(folder, { recursive: true }))
    .filter((name) => name.endsWith('.ipull'))
    .map((name) => join(folder, name));

const failure = (address?: string, options?: DownloadOptions) =>
  get(address, options).then(
    () => expect.unreachable(),
    (error) => {
      expect(error).toBeInstanceOf(ModelFileError);
      expect(error.message).not.toContain('\n');
      expect(error.message).not.toContain('secret');
      return error.message as string;
    },
  );

/** Starts a download and ends it once a good part of the file is there. @returns what was said */
async function interrupted(): Promise<string[]> {
  const controller = new AbortController();
  const notices: string[] = [];
  hub.mood.bytesPerSecond = 20e6;
  await expect(
    get(ADDRESS, {
      signal: controller.signal,
      onNotice: (line) => notices.push(line),
      onProgress: ({ bytes }) => bytes > 18e6 && controller.abort(),
    }),
  ).rejects.toMatchObject({ name: 'AbortError' });
  return notices;
}

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

  it('fewer bytes than the answer promises', async () => {
    hub.mood.contentLength = big.length + 1000;
    hub.mood.ranges = false;
    hub.mood.linkedSize = big.length + 1000;
    expect(await failure()).toMatch(/was lost at/);
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
    expect(await failure()).toMatch(/has [\d.]+ GB free, and 1000000\.0 GB are to come; make room/);
    expect(hub.fetched).toEqual([]);
  });
});

describe('two at once', () => {
  it('get one right file, which is fetched once', async () => {
    hub.mood.bytesPerSecond = 30e6;
    const notices: string[] = [];
    const results = await Promise.all(
      [1, 2].map(() => get(ADDRESS, { onNotice: (line) => notices.push(line) })),
    );
    expect(results.map(({ downloaded }) => downloaded).sort()).toEqual([false, true]);
    expect(notices).toEqual([`another mtad downloads ${basename(BIG)}; waiting for it`]);
    expect((await readFile(join(folder, 'hf', BIG))).equals(big)).toBe(true);
    expect(hub.fetched.reduce((sum, { sent }) => sum + sent, 0)).toBeLessThan(1.2 * big.length);
  });
});
