/** A hub with one long model, and an empty models folder: `withHub` of a test file has them for each of its tests. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { ModelFileError } from '../../src/errors.js';
import { parseAddress } from '../../src/models/address.js';
import { type DownloadedModel, type DownloadOptions, download } from '../../src/models/download.js';
import { ggufOf } from './gguf-files.js';
import { Hub, modelsIn } from './hub.js';

/** Long enough to be interrupted. */
export const BIG = 'someone/Big-GGUF/big-Q4_K_M.gguf';
export const ADDRESS = 'hf:someone/Big-GGUF:Q4_K_M';

export let hub: Hub;
export let folder: string;
export let big: Buffer;

/** Names of the environment that decide where models come from. */
const NETWORK =
  'HF_ENDPOINT HF_HOME HF_TOKEN HF_TOKEN_PATH HTTP_PROXY http_proxy HTTPS_PROXY https_proxy'.split(' ');

/** Prepares hub, folder and environment for each test of a file, which may change all three. */
export function withHub(): void {
  beforeAll(async () => {
    hub = await Hub.open();
    big = ggufOf(3_133_440);
  });
  afterAll(() => hub.close());

  const before: Record<string, string | undefined> = {};
  beforeEach(async () => {
    hub.reset();
    hub.files.clear();
    hub.files.set(BIG, big);
    folder = await mkdtemp(join(tmpdir(), 'mtad-download-'));
    for (const name of NETWORK) {
      before[name] = process.env[name];
      delete process.env[name];
    }
    Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, HF_HOME: '/no/such/folder' });
  });
  afterEach(async () => {
    for (const name of NETWORK)
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    await rm(folder, { recursive: true, force: true });
  });
}

export async function get(address = ADDRESS, options: DownloadOptions = {}): Promise<DownloadedModel> {
  const models = download([parseAddress(address)!], {
    modelsDir: folder,
    stallMs: 10_000,
    retryMs: 10,
    ...options,
  });
  return (await models.next()).value!;
}

/** Files under their final names. */
export const models = () => modelsIn(folder);

export const partials = async () =>
  (await readdir(folder, { recursive: true }))
    .filter((name) => name.endsWith('.part'))
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

/** Bytes of the long model that would not be asked for again. */
export async function kept(): Promise<number> {
  const counts = await Promise.all((await partials()).map(async (path) => (await stat(path)).size));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Starts a download from a server that then holds its breath, and ends it there. @returns what was said */
export async function interrupted({ address = ADDRESS, sent = 2e6, least = 1e6 } = {}): Promise<string[]> {
  const controller = new AbortController();
  const notices: string[] = [];
  hub.mood.holdAfter = hub.sent + sent;
  const run = get(address, { signal: controller.signal, onNotice: (line) => notices.push(line) });
  let over = false;
  run.catch(() => {}).finally(() => (over = true));
  const isThere = async () => hub.sent >= hub.mood.holdAfter! && (await kept()) >= least;
  while (!over && !(await isThere())) await sleep(20);
  controller.abort();
  await expect(run).rejects.toMatchObject({ name: 'AbortError' });
  return notices;
}
