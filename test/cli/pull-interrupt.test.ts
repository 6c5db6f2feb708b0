import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  type TestContext,
  test,
  vi,
} from 'vitest';
import { placesOf } from '../../src/models/places.js';
import type { RemoteFile } from '../../src/models/remote.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { compileLibrary, NO_COMPILER } from '../support/c-library.js';
import { BIN, CLEAN, mtad } from '../support/cli.js';
import { ggufOf } from '../support/gguf-files.js';
import { Hub, modelsIn } from '../support/hub.js';
import { runInProcess } from '../support/run-in-process.js';
import { inFull } from '../support/tries.js';

/** Long enough to be interrupted. */
const LONG = 'hf:tales/Long-GGUF:F16';
const LONG_PLACE = 'tales/Long-GGUF/long-F16.gguf';

let hub: Hub;
let folder: string;
let long: Buffer;
let env: Record<string, string>;

beforeAll(async () => {
  hub = await Hub.open();
  long = Buffer.concat([await readFile(EMBEDDED_PAIR.draft), Buffer.alloc(3e6, 'padding')]);
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
const models = () => modelsIn(folder);

/** Resolves when a half of it is kept, and nothing more comes. */
async function underWay(models = folder): Promise<void> {
  hub.mood.holdAt = 2e6;
  while ((await kept(models)) < 15e5) await new Promise((soon) => setTimeout(soon, 20));
}

async function kept(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true });
  const partial = files.find((name) => name.endsWith('.part'));
  return partial === undefined ? 0 : (await stat(join(folder, partial))).size;
}

/** That the rest was asked for alone, and is right. */
async function expectContinued(): Promise<void> {
  const asked = hub.fetched.filter(({ method }) => method === 'GET');
  expect(asked.every(({ range }) => range !== undefined)).toBe(true);
  expect(hub.sent).toBeLessThan(long.length - 1e6);
  expect((await readFile(join(folder, 'hf', LONG_PLACE))).equals(long)).toBe(true);
}

test('Ctrl-C: exit code 130, what to do, and the same command continues', async () => {
  const run = pull(LONG);
  await underWay();
  run.kill('SIGINT');
  const { exitCode, stdout, stderr } = await run;
  expect(stderr).toMatch(
    /mtad: long-F16\.gguf: [\d.]+ MB of 3\.\d+ MB are kept; the same command continues\n$/,
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
  expect(await models()).toEqual([]);
  hub.reset();
  const again = await runInProcess(['pull', LONG], { env });
  expect(again.stderr).toMatch(/^mtad: continuing after [\d.]+ MB: long-F16\.gguf, 3\.\d MB\n/);
  expect(again.exitCode).toBe(0);
  await expectContinued();
});

/** A process that waits for the lock of another one takes it over after seconds: all are tried at once. */
test('killed, or stopped and woken: the same command continues meanwhile, and the model stays right', async () => {
  const begin = async (name: string, signal: 'SIGKILL' | 'SIGSTOP') => {
    const place = `tales/${name}-GGUF/long-F16.gguf`;
    hub.files.set(place, long);
    const models = join(folder, name);
    await mkdir(models);
    const args = ['pull', `hf:tales/${name}-GGUF`, '--models-dir', models];
    const run = mtad(args, { env });
    await underWay(models);
    run.kill(signal);
    return { run, args, place, path: join(models, 'hf', place) };
  };
  const [dead, woken, interrupted, killed] = await Promise.all([
    begin('dead', 'SIGKILL'),
    begin('woken', 'SIGSTOP'),
    begin('interrupted', 'SIGSTOP'),
    begin('killed', 'SIGSTOP'),
  ]);
  const all = [dead, woken, interrupted, killed];
  const before = hub.log.length;
  hub.mood = {};
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  const others = await Promise.all(all.map(({ args }) => runInProcess(args)));
  vi.unstubAllEnvs();
  for (const other of others) {
    expect(other).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('another mtad downloads') });
    expect(other.stderr).toMatch(/^mtad: continuing after [\d.]+ MB/m);
  }
  const asked = hub.log
    .slice(before)
    .filter(({ server, path }) => server === 'cdn' && path === `/${dead.place}`);
  expect(asked.every(({ range }) => range !== undefined)).toBe(true);
  expect(asked.reduce((sum, { sent }) => sum + sent, 0)).toBeLessThan(long.length - 1e6);
  for (const { run } of [woken, interrupted, killed]) run.kill('SIGCONT');
  await new Promise((soon) => setTimeout(soon, 300)); // in which they write what has come
  interrupted.run.kill('SIGINT');
  killed.run.kill('SIGKILL');
  expect(await woken.run).toMatchObject({ exitCode: 0, stdout: `${woken.path}\n` });
  await Promise.all([interrupted.run, killed.run]);
  for (const { path } of all) expect((await readFile(path)).equals(long)).toBe(true);
});

test('a file longer than the file system takes: exit code 3, before anything comes', async () => {
  const shell = ['-c', 'ulimit -f 2000; exec "$0" "$@"']; // 1 MB
  const { exitCode, stderr } = await execa('sh', [...shell, process.execPath, BIN, 'pull', '-q', LONG], {
    reject: false,
    env: { ...CLEAN, ...env },
  });
  expect(stderr).toMatch(/^mtad: .* takes no file so long \(EFBIG\); choose [^\n]*$/);
  expect(exitCode).toBe(3);
  expect(hub.fetched).toEqual([]);
});

const MINE = ['--user', '--map-root-user', '--mount', 'sh', '-c'];

/** An empty folder for a small disk. Where none may be mounted, the test is skipped. */
async function folderForDisk(ctx: TestContext): Promise<string> {
  const small = join(folder, 'small');
  await mkdir(small);
  const trial = await execa('unshare', [...MINE, 'mount -t tmpfs -o size=8m tmpfs "$0"', small], {
    reject: false,
  });
  if (trial.failed) {
    process.stdout.write(
      `A full disk cannot be tried here, where no disk may be mounted: ${trial.message}\n`,
    );
    ctx.skip();
  }
  return small;
}

test('a disk that others fill meanwhile: with room again, the model comes whole', async (ctx) => {
  const small = await folderForDisk(ctx);
  hub.mood.bytesPerSecond = 2e6;
  hub.files.set('stories.gguf', long);
  const script = `mount -t tmpfs -o size=5m tmpfs "$0" && {
    "$@" & until find "$0" -name "*.part" -size +99 | grep -q .; do sleep 0.05; done; cat /dev/zero > "$0/others"; wait $!; rm "$0/others"; "$@" && cat "$0"/url/*/stories.gguf >&3; }`;
  const pulling = [process.execPath, BIN, 'pull', '-q', `${hub.cdn}/stories.gguf`];
  const { stdio, stderr } = await execa('unshare', [...MINE, script, small, ...pulling], {
    env: { ...CLEAN, ...env, MTAD_MODELS_DIR: small },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    encoding: 'buffer',
    maxBuffer: 1e9,
  });
  expect(Buffer.from(stderr).toString()).toContain('is full; make room and run the same command again');
  expect(Buffer.from(stdio[3]!).equals(long)).toBe(true);
});

// Each day models/download.test.ts does so without a disk of its own.
inFull('what is left of another version makes room', async (ctx) => {
  const small = await folderForDisk(ctx);
  hub.files.set('stories.gguf', long);
  const script = `mount -t tmpfs -o size=5m tmpfs "$0" && left="$0/.partial/url/${new URL(hub.cdn).host.replace(':', '_')}/stories.gguf" &&
    mkdir -p "$left" && head -c 3000000 /dev/zero > "$left/0123456789abcdef.ipull" && "$@"`;
  const { exitCode, stderr } = await execa(
    'unshare',
    [...MINE, script, small, process.execPath, BIN, 'pull', '-q', `${hub.cdn}/stories.gguf`],
    { reject: false, env: { ...CLEAN, ...env, MTAD_MODELS_DIR: small } },
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

describe.skipIf(NO_COMPILER || process.platform !== 'linux')('a file system that knows no holes', () => {
  const withFat = async () => ({ ...CLEAN, ...env, LD_PRELOAD: await compileLibrary(folder, 'fat.c', {}) });

  test('needs the room of a model once, also for its rest', async (ctx) => {
    const small = await folderForDisk(ctx);
    hub.files.set('stories.gguf', long);
    const tag = createHash('sha256').update(long).digest('hex');
    const place = join('url', new URL(hub.cdn).host.replace(':', '_'), 'stories.gguf');
    const { partials, partial } = placesOf({ place, version: `${tag}|${long.length}` } as RemoteFile, small);
    const part = join(folder, 'part');
    await writeFile(part, long.subarray(0, 2e6));
    const script = `mount -t tmpfs -o size=5m tmpfs "$0" && mkdir -p "${partials}" && cp "${part}" "${partial}" && "$@" && cat "$0/${place}" >&3`;
    const pulling = [process.execPath, BIN, 'pull', '-q', `${hub.cdn}/stories.gguf`];
    const { stdio, stderr } = await execa('unshare', [...MINE, script, small, ...pulling], {
      reject: false,
      env: { ...(await withFat()), MTAD_MODELS_DIR: small },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      encoding: 'buffer',
      maxBuffer: 1e9,
    });
    expect(Buffer.from(stderr).toString()).toBe('');
    expect(Buffer.from(stdio[3]!).equals(long)).toBe(true);
    expect(hub.sent).toBeLessThan(long.length - 19e5);
  });

  test('and is of FAT takes no 4 GiB: exit code 3, before anything comes', async () => {
    hub.mood.linkedSize = 2 ** 32;
    const { exitCode, stderr } = await mtad(['pull', '-q', LONG], { env: await withFat() });
    expect(stderr).toMatch(/^mtad: .* takes no file so long \(EFBIG\); choose [^\n]*\n$/);
    expect(exitCode).toBe(3);
    expect(hub.fetched).toEqual([]);
  });
});

test('a disk that is full in the middle: exit code 3, one line, nothing that looks like a model', async (ctx) => {
  const onSmallDisk = 'mount -t tmpfs -o size=2m tmpfs "$0" && "$@"';
  const small = await folderForDisk(ctx);
  hub.mood.tells = false; // the length is then not known before
  hub.files.set('stories.gguf', ggufOf(4e6));
  const command = `${onSmallDisk}; code=$?; find "$0" -name "*.gguf" -type f; exit $code`;
  const { exitCode, stdout, stderr } = await execa(
    'unshare',
    [...MINE, command, small, process.execPath, BIN, 'pull', '-q', `${hub.cdn}/stories.gguf`],
    { reject: false, env: { ...CLEAN, ...env, MTAD_MODELS_DIR: small } },
  );
  expect(stderr).toMatch(/^mtad: The disk of .* is full; make room and run the same command again$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
});
