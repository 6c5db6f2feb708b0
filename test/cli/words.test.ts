import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mtad } from '../support/cli.js';
import { runInProcess } from '../support/run-in-process.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-words-'));
});
afterEach(() => rm(folder, { recursive: true }));

const USAGE = { exitCode: 2, stdout: '' };

test('options of llama.cpp are not cut up: no file is written', async () => {
  await writeFile(join(folder, 't'), 'precious');
  const run = await mtad(['-ot', 'exps=CPU', '-n', '2', 'Once'], { cwd: folder });
  expect(run).toMatchObject(USAGE);
  expect(run.stderr).toContain("llama.cpp's -ot is not in mtad");
  expect(await readFile(join(folder, 't'), 'utf8')).toBe('precious');
  expect(await readdir(folder)).toEqual(['t']);
});

test('words are the prompt, whatever JavaScript or llama.cpp calls so', async () => {
  const words = ['what', 'does', 'toString', '--', 'do', '-fa'];
  const trace = join(folder, 'trace.jsonl');
  const run = await runInProcess(['-n', '1', '--trace', trace, ...words]);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toMatch(/^(mtad: the text was cut at [^\n]+\n)?$/);
  const asked = await runInProcess(['-n', '1', '--trace', `${trace}2`, '-p', 'what does toString do -fa']);
  expect(asked.exitCode).toBe(0);
  const [given, expected] = await Promise.all([trace, `${trace}2`].map((file) => readFile(file, 'utf8')));
  const promptOf = (lines: string) => JSON.parse(lines.split('\n')[0]!).prompt_tokens;
  expect(promptOf(given!)).toEqual(promptOf(expected!));
});

test('the command of another tool is answered in one line', async () => {
  const run = await runInProcess(['--seed', '1', 'ls']);
  expect(run).toMatchObject(USAGE);
  expect(run.stderr).toMatch(/^mtad: "ls" is no command: mtad list [^\n]*\n$/);
});

test('a schema may be written on the command line, as llama.cpp has it', async () => {
  const run = await runInProcess([
    '-j',
    '{"type":"array","items":{"type":"null"},"minItems":2,"maxItems":2}',
    'Once',
  ]);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toMatch(/^(mtad: the text was cut at [^\n]+\n)?$/);
  expect(JSON.parse(run.stdout)).toEqual([null, null]);
});

test('of a schema that is written there, a mistake is told without a file', async () => {
  const run = await runInProcess(['-j', '{"type": array}', 'Once']);
  expect(run).toMatchObject(USAGE);
  expect(run.stderr).toMatch(/^mtad: the JSON schema is not JSON: [^\n]*\n$/);
});

test('numbers that llama.cpp leaves open are open', async () => {
  const run = await runInProcess([
    '-n',
    '-1',
    '-c',
    '0',
    '--seed',
    '-1',
    '-t',
    '-1',
    '-ngl',
    'all',
    '--json',
    'Once upon',
  ]);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toMatch(/^(mtad: the text was cut at [^\n]+\n)?$/);
  const { params, finish_reason } = JSON.parse(run.stdout);
  expect(finish_reason).toMatch(/eos|context/);
  expect(params).toMatchObject({ max_tokens: 10_000_000, threads: null, seed: expect.any(Number) });
});

test('a switch is true or false, and no word of JavaScript', async () => {
  const run = await runInProcess(['Once'], { env: { MTAD_CLIP: 'valueOf' } });
  expect(run).toMatchObject(USAGE);
  expect(run.stderr).toContain('MTAD_CLIP = "valueOf" is invalid. It must be true or false.');
});

test.each([
  [['-t', '100000'], {}],
  [['--draft-threads', '100000'], {}],
  [[], { MTAD_THREADS: '100000' }],
])('threads beyond the processors, %j %j, are cut to them, and that is said', async (args, env) => {
  const run = await runInProcess([...args, '-n', '2', '--json', 'Once'], { env });
  expect(run.stderr).toMatch(
    /^mtad: --(draft-)?threads 100000 is more than this machine has processors: it is \d+\nmtad: the text was cut at [^\n]+\n$/,
  );
  const { threads, draft_threads } = JSON.parse(run.stdout).params;
  expect([threads, draft_threads]).toContain(availableParallelism());
});
