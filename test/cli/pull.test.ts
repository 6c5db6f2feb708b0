import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { mtad, mtadOnTerminal } from '../support/cli.js';
import { ForwardProxy } from '../support/forward-proxy.js';
import { tinyModel } from '../support/gguf-files.js';
import { Hub, modelsIn } from '../support/hub.js';

const TARGET = 'hf:tales/Stories-GGUF:F16';
const DRAFT = 'hf:tales/Small-GGUF';
const PLACE = 'tales/Stories-GGUF/stories-F16.gguf';
const DRAFT_PLACE = 'tales/Small-GGUF/small-Q4_K_M.gguf';

let hub: Hub;
let folder: string;
let target: Buffer;
let draft: Buffer;
let env: Record<string, string>;

beforeAll(async () => {
  hub = await Hub.open();
  target = await readFile(EMBEDDED_PAIR.model);
  draft = await readFile(EMBEDDED_PAIR.draft);
});
afterAll(() => hub.close());

beforeEach(async () => {
  hub.reset();
  hub.files.clear();
  hub.files.set(PLACE, target).set(DRAFT_PLACE, draft);
  folder = await mkdtemp(join(tmpdir(), 'mtad-pull-'));
  env = { HF_ENDPOINT: hub.endpoint, MTAD_MODELS_DIR: folder };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const pull = (...args: string[]) => mtad(['pull', ...args], { env });
const models = () => modelsIn(folder);

test('paths on standard output, a line at the start and the end of each file on standard error', async () => {
  const first = await pull(TARGET, DRAFT);
  const paths = [PLACE, DRAFT_PLACE].map((place) => `${join(folder, 'hf', place)}\n`).join('');
  expect(first).toMatchObject({ exitCode: 0, stdout: paths });
  expect(first.stderr.split('\n')).toEqual([
    'mtad: downloading: stories-F16.gguf, 11.3 MB',
    'mtad: downloaded stories-F16.gguf, 11.3 MB',
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
  const other = await readFile(await tinyModel(folder));
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
  hub.mood.bytesPerSecond = 8e6;
  const { stdout, exitCode } = await mtadOnTerminal(['pull', TARGET], { env });
  expect(stdout).toMatch(/[█░]+ [\d.]+\/11\.3 MB, .*stories-F16\.gguf/);
  expect(stdout).toContain('downloaded stories-F16.gguf, 11.3 MB');
  expect(exitCode).toBe(0);
});

test('two processes get one right file', async () => {
  hub.mood.bytesPerSecond = 8e6;
  const runs = await Promise.all([pull('-q', TARGET), pull('-q', TARGET)]);
  for (const run of runs)
    expect(run).toMatchObject({ exitCode: 0, stdout: `${join(folder, 'hf', PLACE)}\n` });
  expect(hub.sent).toBeLessThan(1.5 * target.length);
  expect((await readFile(join(folder, 'hf', PLACE))).equals(target)).toBe(true);
});

test.each([
  ['a wrong checksum', { linkedEtag: 'ab'.repeat(32) }, /has the SHA-256/],
  ['a wrong length', { linkedSize: 12_000_000 }, /instead of 12000000/],
  ['a model of others', { token: 'hf_other' }, /refused to your token \(401\); accept the licence/],
  ['a limit', { refuseWith: 429, retryAfter: '900' }, /too many requests/],
  ['a missing file', { refuseWith: 404 }, /quantisation F16/],
])('%s: exit code 3, one line, no token', async (_, mood, message) => {
  Object.assign(hub.mood, mood);
  Object.assign(env, { HF_TOKEN: 'hf_very_secret' });
  const { exitCode, stdout, stderr } = await pull('-q', TARGET);
  expect(stderr).toMatch(/^mtad: [^\n]*\n$/);
  expect(stderr).toMatch(message);
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
  const verbose = await pull('-v', TARGET);
  expect(stderr + verbose.stderr + verbose.stdout).not.toMatch(/hf_very_secret|signature/);
});

test('generate downloads what it needs, once, and writes nothing but the text', async () => {
  hub.mood.limits = 1;
  const prompt = ['Once upon a time', '-n', '5', '--temperature', '0'];
  const plain = await mtad(prompt);
  const args = ['-m', TARGET, '-d', DRAFT, ...prompt];
  const first = await mtad(args, { env });
  expect(first.stderr).toContain('downloaded stories-F16.gguf');
  expect(first).toMatchObject({ exitCode: 0, stdout: plain.stdout });
  hub.log.length = 0;
  const { stdout, stderr } = plain;
  expect(await mtad(['--offline', ...args], { env })).toMatchObject({ stdout, stderr });
  expect(await mtad(args, { env })).toMatchObject({ stdout, stderr });
  expect(await mtad(['-m', 'stories-F16.gguf', ...args.slice(2)], { env })).toMatchObject({
    stdout: plain.stdout,
  });
  expect(hub.log).toEqual([]);
});

test('benchmark downloads too', async () => {
  const args = ['benchmark', '-m', TARGET, '--strategies', 'autoregressive', '--limit', '1', '-n', '3'];
  const { stdout, exitCode } = await mtad([...args, '--no-perplexity', '--format', 'json'], { env });
  expect(JSON.parse(stdout)).toMatchObject({ complete: true });
  expect(exitCode).toBe(0);
});

test('a proxy is used for all of it, and not where NO_PROXY says', async () => {
  const proxy = await ForwardProxy.open();
  const hosts = [hub.endpoint, hub.cdn].map((url) => new URL(url).host);
  expect(await mtad(['pull', '-q', TARGET], { env: { ...env, HTTP_PROXY: proxy.url } })).toMatchObject({
    exitCode: 0,
    stderr: '',
  });
  expect([...new Set(proxy.tunnels)].sort()).toEqual(hosts.sort());
  proxy.tunnels.length = 0;
  await mtad(['pull', '-q', DRAFT], { env: { ...env, http_proxy: proxy.url, no_proxy: '127.0.0.1' } });
  expect(proxy.tunnels).toEqual([]);
  const { url } = proxy;
  proxy.close();
  const dead = await mtad(['pull', 'hf:a/b:Q4'], { env: { ...env, HTTP_PROXY: url } });
  expect(dead.stderr).toMatch(/^mtad: Cannot reach [^\n]*HTTPS_PROXY[^\n]*\n$/);
  expect(dead.exitCode).toBe(3);
});

test('a reader that leaves does not end the downloads', async () => {
  const run = pull('-q', DRAFT, TARGET);
  run.stdout.destroy();
  expect(await run).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await models()).sort()).toEqual([DRAFT_PLACE, PLACE].map((place) => join('hf', place)));
});

test('help, as a word and as an option', async () => {
  const help = await pull('--help');
  expect(help.stdout).toMatch(/^Usage: mtad pull \[options\] <address\.\.\.>/);
  expect((await pull('help')).stdout).toBe(help.stdout);
  expect((await mtad(['help', 'pull'])).stdout).toBe(help.stdout);
});
