import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { mtad } from '../support/cli.js';
import { ForwardProxy } from '../support/forward-proxy.js';
import { ggufOf, tinyModel } from '../support/gguf-files.js';
import { Hub, type Mood, modelsIn } from '../support/hub.js';
import { runInProcess } from '../support/run-in-process.js';
import { inFull } from '../support/tries.js';

const TARGET = 'hf:tales/Stories-GGUF:F16';
const DRAFT = 'hf:tales/Small-GGUF';
const PLACE = 'tales/Stories-GGUF/stories-F16.gguf';
const DRAFT_PLACE = 'tales/Small-GGUF/small-Q4_K_M.gguf';

let hub: Hub;
let folder: string;
let target: Buffer;
let draft: Buffer;
let env: Record<string, string>;

/** Of the real environment, which the models' room reads. */
const NETWORK = 'HF_TOKEN HF_TOKEN_PATH HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy';
const QUICK = 1e9; // bytes per second

beforeAll(async () => {
  hub = await Hub.open();
  const made = await mkdtemp(join(tmpdir(), 'mtad-pull-'));
  target = await readFile(await tinyModel(made, { layers: 4 }));
  draft = await readFile(await tinyModel(made));
  await rm(made, { recursive: true });
});
afterAll(() => hub.close());

beforeEach(async () => {
  hub.reset();
  hub.mood.bytesPerSecond = QUICK;
  hub.files.clear();
  hub.files.set(PLACE, target).set(DRAFT_PLACE, draft);
  folder = await mkdtemp(join(tmpdir(), 'mtad-pull-'));
  env = { MTAD_MODELS_DIR: folder };
  for (const name of NETWORK.split(' ')) vi.stubEnv(name, undefined);
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => runInProcess(args, { env });
const pull = (...args: string[]) => run('pull', ...args);
/** In another process, which finds the same hub and folder. */
const inChild = () => ({ env: { ...env, HF_ENDPOINT: hub.endpoint } });
const models = () => modelsIn(folder);

test('paths on standard output, a line at the start and the end of each file on standard error', async () => {
  hub.files.set(PLACE, ggufOf(1_130_000)).set(DRAFT_PLACE, ggufOf(880_000));
  const first = await pull(TARGET, DRAFT);
  const paths = [PLACE, DRAFT_PLACE].map((place) => `${join(folder, 'hf', place)}\n`).join('');
  expect(first).toMatchObject({ exitCode: 0, stdout: paths });
  expect(first.stderr.split('\n')).toEqual([
    'mtad: downloading: stories-F16.gguf, 1.1 MB',
    'mtad: downloaded stories-F16.gguf, 1.1 MB',
    'mtad: downloading: small-Q4_K_M.gguf, 0.9 MB',
    'mtad: downloaded small-Q4_K_M.gguf, 0.9 MB',
    '',
  ]);
  hub.log.length = 0;
  const again = await pull(TARGET, DRAFT);
  expect(again).toMatchObject({ exitCode: 0, stdout: paths });
  expect(again.stderr.split('\n')).toEqual([
    'mtad: checking stories-F16.gguf',
    `mtad: ${TARGET} is already there`,
    'mtad: checking small-Q4_K_M.gguf',
    `mtad: ${DRAFT} is already there`,
    '',
  ]);
  expect(hub.fetched).toEqual([]);

  hub.log.length = 0;
  expect(await pull('--offline', '-q', TARGET)).toMatchObject({ exitCode: 0, stderr: '' });
  const missing = await pull('--offline', 'hf:tales/None:Q2_K');
  expect(missing.stderr).toMatch(/^mtad: hf:tales\/None:Q2_K is not in [^\n]*--offline[^\n]*\n$/);
  expect(missing).toMatchObject({ exitCode: 3, stdout: '' });
  expect(hub.log).toEqual([]);
});

test('--json is an array, also for the models of a known pair', async () => {
  hub.files.set('bartowski/Meta-Llama-3.1-8B-Instruct-GGUF/Meta-Llama-Q4_K_M.gguf', target);
  hub.files.set('bartowski/Llama-3.2-1B-Instruct-GGUF/Llama-Q4_K_M.gguf', draft);
  const { stdout, stderr } = await pull('--json', '-q', '--pair', 'llama-3.1-8b');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([
    {
      address: 'hf:bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M',
      path: join(folder, 'hf/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF/Meta-Llama-Q4_K_M.gguf'),
      bytes: target.length,
      sha256: createHash('sha256').update(target).digest('hex'),
      checked: true,
      downloaded: true,
    },
    expect.objectContaining({
      address: 'hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M',
      bytes: draft.length,
    }),
  ]);
});

test('--json tells what is there also where the next one fails', async () => {
  hub.files.set(DRAFT_PLACE, Buffer.from('<!doctype html><title>Sign in</title>'));
  const { stdout, stderr, exitCode } = await pull('--json', '-q', TARGET, DRAFT);
  expect(JSON.parse(stdout)).toEqual([expect.objectContaining({ address: TARGET, downloaded: true })]);
  expect(stderr).toMatch(/^mtad: What came as small-Q4_K_M\.gguf is not a GGUF file[^\n]*\n$/);
  expect(exitCode).toBe(3);
});

test('a known pair that is none: its files are there, exit code 4', async () => {
  const other = await readFile(EMBEDDED_PAIR.draft);
  hub.files.set('bartowski/Meta-Llama-3.1-8B-Instruct-GGUF/Meta-Llama-Q4_K_M.gguf', target);
  hub.files.set('bartowski/Llama-3.2-1B-Instruct-GGUF/Llama-Q4_K_M.gguf', other);
  const { stdout, stderr, exitCode } = await pull('-q', '--pair', 'llama-3.1-8b');
  expect(stdout.match(/\n/g)).toHaveLength(2);
  expect(stderr).toMatch(
    /^mtad: Meta-Llama-Q4_K_M\.gguf and Llama-Q4_K_M\.gguf do not make a pair: [^\n]*\n$/,
  );
  expect(exitCode).toBe(4);
});

test('a known pair whose texts end differently: a line that says so', async () => {
  hub.files.set(
    'bartowski/Meta-Llama-3.1-8B-Instruct-GGUF/Meta-Llama-Q4_K_M.gguf',
    await readFile(await tinyModel(folder)),
  );
  hub.files.set(
    'bartowski/Llama-3.2-1B-Instruct-GGUF/Llama-Q4_K_M.gguf',
    await readFile(await tinyModel(folder, { eos: 7 })),
  );
  const { stderr, exitCode } = await pull('--pair', 'llama-3.1-8b');
  expect(stderr).toMatch(
    /\nmtad: warning: Meta-Llama-Q4_K_M\.gguf and Llama-Q4_K_M\.gguf end texts with [^\n]*\n$/,
  );
  expect(exitCode).toBe(0);
});

test.each([
  ['leads nowhere', () => symlink('/no/such/folder', join(folder, 'models')), /Cannot write to .*ENOENT/],
  [
    'has a folder where the model belongs',
    () => mkdir(join(folder, 'models/hf', PLACE), { recursive: true }),
    /A folder is in the way at .*stories-F16\.gguf/,
  ],
])('a models folder that %s: exit code 3, one line', async (_, prepare, message) => {
  await prepare();
  const { stdout, stderr, exitCode } = await pull('-q', '--models-dir', join(folder, 'models'), TARGET);
  expect(stderr).toMatch(/^mtad: [^\n]*--models-dir\n$/);
  expect(stderr).toMatch(message);
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
});

test('a terminal sees a bar', async () => {
  hub.mood.bytesPerSecond = 2e6;
  hub.files.set(PLACE, ggufOf(1_130_000));
  const terminal = { env, isTTY: true, input: '' };
  const { stderr, exitCode } = await runInProcess(['pull', TARGET], terminal);
  expect(stderr).toMatch(/[█░]+ [\d.]+\/1\.1 MB, .*stories-F16\.gguf/);
  expect(stderr).toContain('downloaded stories-F16.gguf, 1.1 MB');
  expect(exitCode).toBe(0);
});

// Each day four processes and their successors do so in pull-interrupt.test.ts.
inFull('two processes get one right file', async () => {
  hub.mood.bytesPerSecond = 2e6;
  const model = ggufOf(2e6);
  hub.files.set(PLACE, model);
  const runs = await Promise.all([1, 2].map(() => mtad(['pull', '-q', TARGET], inChild())));
  for (const run of runs)
    expect(run).toMatchObject({ exitCode: 0, stdout: `${join(folder, 'hf', PLACE)}\n` });
  expect(hub.sent).toBeLessThan(1.5 * model.length);
  expect((await readFile(join(folder, 'hf', PLACE))).equals(model)).toBe(true);
});

test.each([
  ['a wrong checksum', { linkedEtag: 'ab'.repeat(32) }, /has the SHA-256/],
  ['a wrong length', { linkedSize: 12_000_000 }, /instead of 12000000/],
  ['a model of others', { token: 'hf_other' }, /refused to your token \(401\); accept the licence/],
  ['a limit', { refuseWith: 429, retryAfter: '900' }, /too many requests/],
  ['a missing file', { refuseWith: 404 }, /quantisation F16/],
])('%s: exit code 3, one line, no token', async (_, mood, message) => {
  Object.assign(hub.mood, mood);
  vi.stubEnv('HF_TOKEN', 'hf_very_secret');
  const { exitCode, stdout, stderr } = await pull('-q', TARGET);
  expect(stderr).toMatch(/^mtad: [^\n]*\n$/);
  expect(stderr).toMatch(message);
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
  const verbose = await pull('-v', TARGET);
  expect(stderr + verbose.stderr + verbose.stdout).not.toMatch(/hf_very_secret|signature/);
});

test.each<[string, Mood, RegExp]>([
  ['another part than it is asked for', { startOf: () => 0, saysStart: true, cuts: 1 }, /gives other bytes/],
  ['the file compressed', { gzip: 1000 }, /compressed \(Content-Encoding: gzip\)/],
  [
    'a length a thousand bytes short',
    { ranges: false, contentLength: 149_000 },
    /has 149000 bytes, and its header/,
  ],
  ['a body without an end', { endless: true }, /sends more as short\.gguf than the 150 kB/],
])('a server that gives %s: exit code 3, one line', async (_, mood, message) => {
  hub.files.set('short.gguf', ggufOf(150_000));
  Object.assign(hub.mood, mood);
  const { exitCode, stdout, stderr } = await pull('-q', `${hub.cdn}/short.gguf`);
  expect(stderr).toMatch(/^mtad: [^\n]*\n$/);
  expect(stderr).toMatch(message);
  expect({ exitCode, stdout, models: await models() }).toEqual({ exitCode: 3, stdout: '', models: [] });
});

test.each([[256], [4000]])('a name of %d bytes: exit code 3, one line', async (bytes) => {
  const name = `${'a'.repeat(bytes - 5)}.gguf`;
  hub.files.set(name, draft);
  const { exitCode, stdout, stderr } = await pull('-q', `${hub.cdn}/${name}`);
  expect(stderr).toMatch(/^mtad: a{20}… has a name of \d+ bytes, and a file system takes 255; [^\n]*\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
});

test('generate downloads what it needs, once, and writes nothing but the text', async () => {
  hub.mood.limits = 1;
  hub.files.set(PLACE, await readFile(EMBEDDED_PAIR.model));
  hub.files.set(DRAFT_PLACE, await readFile(EMBEDDED_PAIR.draft));
  const prompt = ['Once upon a time', '-n', '5', '--temperature', '0'];
  const plain = await run(...prompt);
  const args = ['-m', TARGET, '-d', DRAFT, ...prompt];
  const first = await run(...args);
  expect(first.stderr).toContain('downloaded stories-F16.gguf');
  expect(first).toMatchObject({ exitCode: 0, stdout: plain.stdout });
  hub.log.length = 0;
  const { stdout, stderr } = plain;
  expect(await run('--offline', ...args)).toMatchObject({ stdout, stderr });
  expect(await run(...args)).toMatchObject({ stdout, stderr });
  expect(await run('-m', 'stories-F16.gguf', ...args.slice(2))).toMatchObject({ stdout: plain.stdout });
  expect(hub.log).toEqual([]);
});

test('benchmark downloads too', async () => {
  const args = ['benchmark', '-m', TARGET, '--strategies', 'autoregressive', '--limit', '1', '-n', '3'];
  const { stdout, exitCode } = await run(...args, '--no-perplexity', '--format', 'json');
  expect(JSON.parse(stdout)).toMatchObject({ complete: true });
  expect(exitCode).toBe(0);
});

test('a proxy is used for all of it, and not where NO_PROXY says', async () => {
  const proxy = await ForwardProxy.open();
  const hosts = [hub.endpoint, hub.cdn].map((url) => new URL(url).host);
  vi.stubEnv('HTTP_PROXY', proxy.url);
  expect(await pull('-q', TARGET)).toMatchObject({ exitCode: 0, stderr: '' });
  expect([...new Set(proxy.tunnels)].sort()).toEqual(hosts.sort());
  proxy.tunnels.length = 0;
  vi.stubEnv('no_proxy', '127.0.0.1');
  expect(await pull('-q', DRAFT)).toMatchObject({ exitCode: 0 });
  expect(proxy.tunnels).toEqual([]);
  proxy.close();
  vi.stubEnv('no_proxy', undefined);
  const dead = await pull('hf:a/b:Q4');
  expect(dead.stderr).toMatch(/^mtad: Cannot reach [^\n]*HTTPS_PROXY[^\n]*\n$/);
  expect(dead.exitCode).toBe(3);
});

test('a reader that leaves does not end the downloads', async () => {
  const run = mtad(['pull', '-q', DRAFT, TARGET], inChild());
  run.stdout.destroy();
  expect(await run).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await models()).sort()).toEqual([DRAFT_PLACE, PLACE].map((place) => join('hf', place)));
});

test('help, as a word and as an option', async () => {
  const help = await pull('--help');
  expect(help.stdout).toMatch(/^Usage: mtad pull \[options\] <address\.\.\.>/);
  expect((await pull('help')).stdout).toBe(help.stdout);
  expect((await run('help', 'pull')).stdout).toBe(help.stdout);
});
