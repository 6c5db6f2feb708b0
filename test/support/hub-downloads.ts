/** A hub with one long model, and an empty models folder, for each test of the file that imports this. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { ModelFileError } from '../../src/errors.js';
import { parseAddress } from '../../src/models/address.js';
import { type DownloadOptions, download } from '../../src/models/download.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { Hub } from './hub.js';

/** Half a dozen of the chunks in which the downloader counts. */
export const BIG = 'someone/Big-GGUF/big-Q4_K_M.gguf';
export const ADDRESS = 'hf:someone/Big-GGUF:Q4_K_M';

export let hub: Hub;
export let folder: string;
export let big: Buffer;
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

export const get = (address = ADDRESS, options: DownloadOptions = {}) =>
  download(parseAddress(address)!, { modelsDir: folder, stallMs: 10_000, ...options });

/** Files under their final names. */
export const models = async () =>
  (await readdir(folder, { recursive: true })).filter(
    (name) => name.endsWith('.gguf') && !name.startsWith('.'),
  );

export const partials = async () =>
  (await readdir(folder, { recursive: true }))
    .filter((name) => name.endsWith('.ipull'))
    .map((name) => join(folder, name));

export const failure = (address?: string, options?: DownloadOptions) =>
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
export async function interrupted(): Promise<string[]> {
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
