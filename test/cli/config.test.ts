import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runInProcess } from '../support/run-in-process.js';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-config-'));
  file = join(folder, 'config.toml');
  await writeFile(file, 'top-k = 20\nthreads = 1\nstop = ["\\n"]\n');
});
afterAll(() => rm(folder, { recursive: true }));

test('each setting with its value and the place that gave it', async () => {
  const { exitCode, stdout, stderr } = await runInProcess(
    ['config', '--pair', 'llama-3.1-8b', '--seed', '7'],
    {
      env: {
        MTAD_CONFIG: file,
        MTAD_TOP_K: '30',
        MTAD_DRAFT_LENGTH: undefined,
        MTAD_CLIP: 'true',
        XDG_CACHE_HOME: folder,
      },
    },
  );
  const rows = Object.fromEntries(
    stdout.split('\n').map((line) => {
      const [name, ...rest] = line.split(/ {2,}/);
      return [name, rest];
    }),
  );
  expect(rows).toMatchObject({
    seed: ['7', 'flag'],
    pair: ['llama-3.1-8b', 'flag'],
    model: [expect.stringMatching(/^hf:/), 'pair llama-3.1-8b'],
    draft: [expect.stringMatching(/^hf:/), 'pair llama-3.1-8b'],
    temperature: ['0.6', 'pair llama-3.1-8b'],
    'top-k': ['30', 'MTAD_TOP_K'],
    clip: ['true', 'MTAD_CLIP'],
    threads: ['1', file],
    stop: ['["\\n"]', file],
    'draft-length': ['auto', 'default'],
    'models-dir': [join(folder, 'mtad', 'models'), 'default'],
    stats: ['on a terminal', 'default'],
    quiet: ['false', 'default'],
    HF_TOKEN: ['not set', 'default'],
  });
  expect(stdout).toContain(`\nSettings file: ${file}\n`);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test('--json is one object, for any command', async () => {
  const { stdout } = await runInProcess(['config', 'benchmark', '--json', '-k', '2,4'], {
    env: { MTAD_CONFIG: file },
  });
  const { schema, command, file: shown, settings } = JSON.parse(stdout);
  expect({ schema, command, shown }).toEqual({
    schema: 1,
    command: 'benchmark',
    shown: { path: file, exists: true },
  });
  expect(settings).toMatchObject({
    draft_length: { value: [2, 4], source: 'flag' },
    top_k: { value: 20, source: file },
    ctx_size: { value: null, source: 'default' },
    verbose: { value: false, source: 'default' },
  });
});

test('no secret is shown', async () => {
  const env = { HF_TOKEN: 'hf_verysecret', MTAD_MODEL: 'https://me:hf_hidden@example.org/a.gguf' };
  const draft = ['-d', 'HTTPS://example.org/b.gguf?token=hf_signed#hf_anchored'];
  for (const how of [['config'], ['config', '--json']]) {
    const { stdout, stderr } = await runInProcess([...how, ...draft], { env });
    expect(stdout + stderr).not.toMatch(/verysecret|hf_/);
    expect(stdout).toMatch(/HF_TOKEN"?:? +(set|true)\b/);
    expect(stdout).toContain('https://example.org/a.gguf');
    expect(stdout).toContain('HTTPS://example.org/b.gguf');
  }
});

test('--path is the file alone, and standard error says if there is none, also for one that is damaged', async () => {
  const bad = join(folder, 'bad.toml');
  await writeFile(bad, '= nothing');
  for (const path of [file, bad])
    expect(await runInProcess(['config', '--path'], { env: { MTAD_CONFIG: path } })).toMatchObject({
      exitCode: 0,
      stdout: `${path}\n`,
      stderr: '',
    });
  const usual = { MTAD_CONFIG: undefined, XDG_CONFIG_HOME: folder };
  const missing = await runInProcess(['config', '--path'], { env: usual });
  expect(missing.stdout).toContain(folder);
  expect(missing.stderr).toMatch(/no such file yet/);
  expect(await runInProcess(['config', '--path', '--no-config'], { env: usual })).toMatchObject({
    exitCode: 0,
    stdout: '',
  });
  expect((await runInProcess(['config'], { env: { MTAD_CONFIG: bad } })).exitCode).toBe(2);
});

test('a variable that is no setting is pointed out', async () => {
  const { exitCode, stderr } = await runInProcess(['config'], {
    env: { MTAD_THREDS: '2', MTAD_JSON: '1', MTAD_SOMETHING_ELSE: '1', MTAD_STRATEGIES: 'mtad' },
  });
  expect(stderr.trimEnd().split('\n').sort()).toEqual([
    'mtad: warning: MTAD_JSON belongs to one run: give it as --json there',
    'mtad: warning: MTAD_SOMETHING_ELSE is no setting; mtad config lists them',
    'mtad: warning: MTAD_THREDS is no setting; did you mean MTAD_THREADS?',
  ]);
  expect(exitCode).toBe(0);
});

test.each([
  [['config', 'nothing'], 'Allowed choices are generate, chat'],
  [['config', '--threads', '1', 'benchmark'], 'stands first'],
  [['config', 'generate', 'benchmark'], 'too many arguments'],
  [['config', '--prompt', 'Once'], 'unknown option'],
  [['config', '--threads', '-3'], 'must be a whole number'],
])('%j: exit code 2 and "%s"', async (args, message) => {
  const { exitCode, stdout, stderr } = await runInProcess(args);
  expect(stderr).toContain(message);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});
