import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { runInProcess } from '../support/run-in-process.js';

const { model: TARGET, draft: DRAFT } = EMBEDDED_PAIR;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-settings-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function written(content: string | Uint8Array): Promise<string> {
  const path = join(folder, `${++files}.toml`);
  await writeFile(path, content);
  return path;
}

const damaged: [what: string, content: string | Uint8Array, message: RegExp][] = [
  ['no TOML', 'threads = 1\nthreads four\n', /\.toml, line 2: this is not TOML: /],
  ['a text that does not end', 'model = "a.gguf\n', /line 1: this is not TOML/],
  ['the same key twice', 'threads = 1\n\nthreads = 2\n', /line 3: this is not TOML/],
  ['no UTF-8', Uint8Array.of(0x23, 0xff, 0xfe, 0x0a), /it is not UTF-8/],
  [
    'a number out of range',
    '# mine\n\nthreads = -3\n',
    /line 3: threads = -3 is invalid\. It must be a whole number/,
  ],
  ['a word for a number', 'top-k = "many"', /line 1: top-k = "many" is invalid\. It must be a whole number/],
  ['not a number', 'temperature = nan', /line 1: temperature must be a text in quotes, a number/],
  ['an unknown choice', 'gpu = "abacus"', /gpu = "abacus" is invalid\. Allowed choices are auto, cuda/],
  ['an unknown strategy', 'strategy = "magic"', /strategy = "magic" is invalid\. It must be one of mtad/],
  ['a text for a switch', 'stats = "no"', /stats = "no" is invalid\. It must be true or false/],
  ['a switch for a number', 'threads = true', /threads = true is invalid\. It must be a value/],
  [
    'a list for one value',
    'threads = [\n 1,\n 2]',
    /line 3: threads = \[1,2\] is invalid\. It must be one value/,
  ],
  [
    'an empty stop text',
    'stop = ["a", ""]',
    /stop = \["a",""\] is invalid\. It must be a text that is not empty/,
  ],
  ['a date', 'seed = 2024-01-01', /line 1: seed must be a text in quotes, a number/],
  ['a list of tables', '[[benchmark]]\nthreads = 1', /line 1: benchmark must be/],
  ['a table in a table', '[benchmark.threads]\nn = 1', /line 1: threads must be a text/],
  [
    'a misspelt key',
    'threads = 1\ndraft_lenght = 4',
    /line 2: draft_lenght is no setting; did you mean draft-length\?/,
  ],
  ['a short key', 'k = 4', /line 1: k is no setting; did you mean draft-length\?/],
  ['the key of llama.cpp', 'temp = 0.5', /line 1: temp is no setting; did you mean temperature\?/],
  ['a strange key', 'colour-of-the-sea = "blue"', /colour-of-the-sea is no setting; mtad config lists them/],
  [
    'a misspelt table',
    '[benchmrk]\nthreads = 1',
    /line 1: benchmrk is no command; did you mean \[benchmark\]\?/,
  ],
  [
    'a key of another command',
    '[benchmark]\nstrategy = "mtad"',
    /line 2: strategy is no setting of mtad benchmark/,
  ],
  [
    'two names for the models',
    'pair = "llama-3.1-8b"\nmodel = "a.gguf"',
    /line 1: pair stands for both models/,
  ],
  ...['prompt', 'file', 'output', 'trace', 'json', 'compare', 'replay', 'report'].map(
    (name): [string, string, RegExp] => [
      `--${name}`,
      `${name} = "a"`,
      new RegExp(`line 1: ${name} belongs to one run: give it as --${name} there`),
    ],
  ),
];

test.each(damaged)(
  'a file with %s: exit code 2 and one line that names the place',
  async (_, content, message) => {
    const { exitCode, stdout, stderr } = await runInProcess(['A prompt'], {
      env: { MTAD_CONFIG: await written(content), MTAD_GPU: undefined },
    });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^mtad: [^\n]*\n$/);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  },
);

test.each([
  ['THREADS', 'abc', /MTAD_THREADS = "abc" is invalid\. It must be a whole number/],
  [
    'DRAFT_LENGTH',
    '65',
    /MTAD_DRAFT_LENGTH = "65" is invalid\. It must be 'auto' or a whole number from 1 to 64/,
  ],
  ['STATS', 'perhaps', /MTAD_STATS = "perhaps" is invalid\. It must be true or false/],
  ['PAIR', 'lama', /MTAD_PAIR: There is no pair "lama"/],
])('MTAD_%s=%s is refused with its name', async (name, value, message) => {
  const { exitCode, stdout, stderr } = await runInProcess(['A prompt'], { env: { [`MTAD_${name}`]: value } });
  expect(stderr).toMatch(message);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test('a file, a variable and a flag are judged by the same rule', async () => {
  const rule = "It must be 'auto' or a number above 0 and at most 1.";
  const file = await written('threshold = 1.5');
  for (const said of [
    runInProcess(['--threshold', '1.5', 'A prompt']),
    runInProcess(['A prompt'], { env: { MTAD_THRESHOLD: '1.5' } }),
    runInProcess(['A prompt'], { env: { MTAD_CONFIG: file } }),
  ])
    expect((await said).stderr).toContain(rule);
});

test('what a file says holds for the text, and a flag for less of it', async () => {
  const file = await written(
    '\uFEFF# people write on Windows too\r\nmax-tokens = 3\r\nseed = 1\r\nstats = true\r\n',
  );
  const env = { MTAD_CONFIG: file };
  const [said, overruled, without] = await Promise.all([
    runInProcess(['--json', 'Once'], { env }),
    runInProcess(['--json', '-n', '2', '--no-stats', 'Once'], { env }),
    runInProcess(['--json', '-n', '2', '--no-config', 'Once'], { env }),
  ]);
  expect(JSON.parse(said.stdout)).toMatchObject({ completion_tokens: 3, params: { seed: 1 } });
  expect(said.stderr).not.toBe('');
  expect(JSON.parse(overruled.stdout)).toMatchObject({ completion_tokens: 2, params: { seed: 1 } });
  expect(overruled.stderr).toBe('mtad: the text was cut at --max-tokens 2; raise it for more\n');
  expect(JSON.parse(without.stdout).params.seed).not.toBe(1);
});

test('the file is found where XDG says, and a tilde in it is the home folder', async () => {
  await mkdir(join(folder, 'xdg/mtad'), { recursive: true });
  await writeFile(join(folder, 'xdg/mtad/config.toml'), 'model = "~/no-such.gguf"\ndraft = "lookup"\n');
  const env = { MTAD_CONFIG: undefined, XDG_CONFIG_HOME: join(folder, 'xdg'), HOME: folder };
  const { exitCode, stderr } = await runInProcess(['A prompt'], { env });
  expect(stderr).toContain(join(folder, 'no-such.gguf'));
  expect(exitCode).toBe(3);
});

test('a file that MTAD_CONFIG names must be there; the usual one need not be, and --no-config helps', async () => {
  const missing = { MTAD_CONFIG: join(folder, 'missing.toml') };
  const { exitCode, stderr } = await runInProcess(['A prompt'], { env: missing });
  expect(stderr).toMatch(/Cannot read the settings file .*missing\.toml: .*--no-config/);
  expect(exitCode).toBe(2);
  expect((await runInProcess(['A prompt'], { env: { MTAD_CONFIG: folder } })).exitCode).toBe(2);
  expect((await runInProcess(['--no-config', '-n', '1', 'A prompt'], { env: missing })).exitCode).toBe(0);
  const nowhere = { MTAD_CONFIG: undefined, XDG_CONFIG_HOME: folder };
  expect((await runInProcess(['-n', '1', 'A prompt'], { env: nowhere })).exitCode).toBe(0);
});

test('help, version and completion answer beside a damaged file', async () => {
  const env = { MTAD_CONFIG: await written('= nothing') };
  for (const args of [
    ['--help'],
    ['benchmark', 'help'],
    ['--version'],
    ['complete', 'bash'],
    ['complete', '--', ''],
  ])
    expect((await runInProcess(args, { env })).exitCode).toBe(0);
});

test('one file suits several commands: keys of each, and a table for one', async () => {
  const file = await written(
    'strategy = "block"\nstrategies = "mtad"\n[benchmark]\nthreads = 1\n[generate]\nseed = 5\n',
  );
  const env = { MTAD_CONFIG: file };
  const generate = JSON.parse((await runInProcess(['config', '--json'], { env })).stdout).settings;
  expect(generate).toMatchObject({
    strategy: { value: 'block' },
    seed: { value: 5 },
    threads: { value: null },
  });
  const benchmark = JSON.parse(
    (await runInProcess(['config', 'benchmark', '--json'], { env })).stdout,
  ).settings;
  expect(benchmark).toMatchObject({
    strategies: { value: ['mtad'] },
    seed: { value: 1 },
    threads: { value: 1 },
  });
});

test('a table of chat holds for chat alone', async () => {
  const env = {
    MTAD_CONFIG: await written('temperature = 0.5\n[chat]\nsystem = "Be brief"\ntemperature = 0.25\n'),
  };
  const [chat, generate] = await Promise.all(
    ['chat', 'generate'].map(async (name) =>
      JSON.parse((await runInProcess(['config', name, '--json'], { env })).stdout),
    ),
  );
  expect(chat).toMatchObject({
    command: 'chat',
    settings: {
      system: { value: 'Be brief', source: env.MTAD_CONFIG },
      temperature: { value: 0.25, source: env.MTAD_CONFIG },
    },
  });
  expect(generate.settings).toMatchObject({ system: { value: null }, temperature: { value: 0.5 } });
});

test('a pair that is not used is not judged', async () => {
  const trace = join(folder, 'trace.jsonl');
  await runInProcess(['--trace', trace, '-n', '4', '--seed', '1', '-q', 'Once upon a time']);
  const env = { MTAD_CONFIG: await written('pair = "lama"') };
  for (const args of [['pairs'], ['inspect', TARGET, DRAFT], ['benchmark', '--replay', trace]])
    expect(await runInProcess(args, { env })).toMatchObject({ exitCode: 0, stderr: '' });
  for (const args of [['inspect'], ['pull'], ['Once']]) {
    const { exitCode, stderr } = await runInProcess(args, { env });
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(/no pair "lama"/) });
  }
  const pulled = await runInProcess(['pull', '--offline', 'hf:user/repo/file.gguf'], { env });
  expect(pulled.exitCode).toBe(3); // it looked for the model
});

test('settings for other runs do not narrow what a replay compares', async () => {
  const trace = join(folder, 'steps.jsonl');
  await runInProcess(['--trace', trace, '-n', '8', '--seed', '1', '-q', 'Once upon a time']);
  const env = { MTAD_CONFIG: await written('draft-length = 9\nthreshold = 0.25\n') };
  const plain = await runInProcess(['benchmark', '--replay', trace, '--format', 'csv']);
  const beside = await runInProcess(['benchmark', '--replay', trace, '--format', 'csv'], { env });
  expect(plain.exitCode).toBe(0);
  expect(beside.stdout).toBe(plain.stdout);
});

test('--pair is both models: neither flag stands beside it', async () => {
  for (const beside of ['-m', '-d']) {
    const { exitCode, stderr } = await runInProcess(['--pair', 'llama-3.1-8b', beside, 'a.gguf', 'A prompt']);
    expect(stderr).toMatch(/--pair stands for both models: leave it out, or --(model|draft)/);
    expect(exitCode).toBe(2);
  }
});

test('threads beyond the processors, 4 where there are two, are cut to them, and that is said', async () => {
  const processors = availableParallelism();
  const said = processors + 2;
  const MTAD_CONFIG = await written(`threads = ${said}\n`);
  const { exitCode, stdout, stderr } = await runInProcess(['config', '--json'], { env: { MTAD_CONFIG } });
  const { threads } = JSON.parse(stdout).settings;
  expect(threads).toMatchObject({ value: processors, source: MTAD_CONFIG });
  expect(stderr).toBe(
    `mtad: --threads ${said} is more than this machine has processors: it is ${processors}\n`,
  );
  expect(exitCode).toBe(0);
});
