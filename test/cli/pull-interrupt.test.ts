import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { BIN, mtad } from '../support/cli.js';
import { Hub } from '../support/hub.js';

/** Several of the 5 MB chunks in which the downloader keeps what came. */
const LONG = 'hf:tales/Long-GGUF:F16';
const LONG_PLACE = 'tales/Long-GGUF/long-F16.gguf';

let hub: Hub;
let folder: string;
let long: Buffer;
let env: Record<string, string>;

beforeAll(async () => {
  hub = await Hub.open();
  long = Buffer.concat([await readFile(EMBEDDED_PAIR.model), Buffer.alloc(20e6, 'padding')]);
});
afterAll(() => hub.close());

beforeEach(async () => {
  hub.reset();
  hub.files.set(LONG_PLACE, long);
  folder = await mkdtemp(join(tmpdir(), 'mtad-pull-'));
  env = { HF_ENDPOINT: hub.endpoint, MTAD_MODELS_DIR: folder };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const pull = (...args: string[]) => mtad(['pull', ...args], { env });
const models = async () =>
  (await readdir(folder, { recursive: true })).filter(
    (name) => name.endsWith('.gguf') && !name.startsWith('.'),
  );

const sent = () => hub.fetched.reduce((sum, exchange) => sum + exchange.sent, 0);

/** Resolves when a slow download is in its middle. */
async function halfWay(): Promise<void> {
  hub.mood.bytesPerSecond = 8e6;
  while (sent() < 18e6) await new Promise((soon) => setTimeout(soon, 20));
}

/** That the rest was asked for alone, and is right. */
async function expectContinued(): Promise<void> {
  const asked = hub.fetched.filter(({ method }) => method === 'GET');
  expect(asked.every(({ range }) => range !== undefined)).toBe(true);
  expect(sent()).toBeLessThan(long.length - 10e6);
  expect((await readFile(join(folder, 'hf', LONG_PLACE))).equals(long)).toBe(true);
}

test('Ctrl-C: exit code 130, what to do, and the same command continues', async () => {
  const run = pull(LONG);
  await halfWay();
  run.kill('SIGINT');
  const { exitCode, stdout, stderr } = await run;
  expect(stderr).toMatch(
    /mtad: long-F16\.gguf: [\d.]+ MB of 31\.3 MB are kept; the same command continues\n$/,
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
  expect(await models()).toEqual([]);
  hub.reset();
  const again = await pull(LONG);
  expect(again.stderr).toMatch(/^mtad: continuing after [\d.]+ MB: long-F16\.gguf, 31\.3 MB\n/);
  expect(again.exitCode).toBe(0);
  await expectContinued();
});

test('killed: the same command continues', async () => {
  const run = pull(LONG);
  await halfWay();
  run.kill('SIGKILL');
  await run;
  expect(await models()).toEqual([]);
  hub.reset();
  expect((await pull(LONG)).exitCode).toBe(0);
  await expectContinued();
});

test('a file longer than the file system takes: exit code 3, before anything comes', async () => {
  const { exitCode, stderr } = await execa(
    'sh',
    ['-c', 'ulimit -f 8000; exec "$0" "$@"', process.execPath, BIN, 'pull', '-q', LONG], // 4 MB
    { reject: false, env: { ...env, HF_HOME: '/no/such/folder' } },
  );
  expect(stderr).toMatch(/^mtad: .* takes no file so long \(EFBIG\); choose [^\n]*$/);
  expect(exitCode).toBe(3);
  expect(hub.fetched).toEqual([]);
});

test('a disk that is full in the middle: exit code 3, one line, nothing that looks like a model', async () => {
  const small = join(folder, 'small');
  await mkdir(small);
  const onSmallDisk =
    'mount -t tmpfs -o size=8m tmpfs "$0" || exit 99; "$@"; code=$?; find "$0" -name "*.gguf" -type f; exit $code';
  hub.mood.head = false; // the length is then not known before
  hub.files.set('stories.gguf', long);
  const { exitCode, stdout, stderr } = await execa(
    'unshare',
    [
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      onSmallDisk,
      small,
      process.execPath,
      BIN,
      'pull',
      '-q',
      `${hub.cdn}/stories.gguf`,
    ],
    { reject: false, env: { ...env, MTAD_MODELS_DIR: small, HF_HOME: '/no/such/folder' } },
  );
  if (exitCode === 99 || stderr.startsWith('unshare')) {
    process.stdout.write(`A full disk cannot be tried here, where no disk may be mounted: ${stderr}\n`);
    return;
  }
  expect(stderr).toMatch(
    /^mtad: The disk of .* is full; what came is kept: make room and the same command continues$/,
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
});
