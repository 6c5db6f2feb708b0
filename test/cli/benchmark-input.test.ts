import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { tinyModel } from '../support/gguf-files.js';
import { runInProcess } from '../support/run-in-process.js';

/** A mistake in the arguments must be found before models are looked for, so these do not exist. */
const NO_MODELS = ['-m', 'no-such-model.gguf', '-d', 'no-such-draft.gguf'];

const home = process.cwd();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-input-'));
  await mkdir(join(folder, 'folder'));
  await mkdir(join(folder, 'folder.csv'));
  await writeFile(join(folder, 'array.json'), '[]');
  await writeFile(join(folder, 'other.json'), '{"schema":1,"complete":true}');
  await writeFile(join(folder, 'text.json'), 'Once upon a time');
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(home);
  return rm(folder, { recursive: true });
});

test.concurrent.each([
  ['--draft-length', '2,0'],
  ['--draft-length', '2,,4'],
  ['--beam-width', 'wide'],
  ['--threshold', '0.5,0'],
  ['--threshold', '0.1,'],
  ['--engine', 'direct,steam'],
  ['--engine', 'auto,direct'],
  ['--limit', '0'],
  ['--repetitions', '1.5'],
  ['--format', 'xml'],
  ['--fail-below', '0'],
  ['--fail-below', 'fast'],
])('%s %j: exit code 2 and the name of the option', async (option, value) => {
  const { exitCode, stdout, stderr } = await runInProcess(['benchmark', option, value, ...NO_MODELS]);
  expect(stderr).toMatch(/^mtad: option '[^']*' argument '.*' is invalid\. [^\n]+\n\(mtad benchmark --help/);
  expect(stderr).toContain(option);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test.concurrent.each([
  [['fast'], 'takes no words such as "fast": prompts come from --prompts'],
  [['--draft-length', '2', '4'], 'takes no words such as "4": .* with commas'],
  [['--strategies', ''], 'No strategy "" \\(there are mtad, '],
  [['--strategies', 'mtad,magic'], 'No strategy "magic" \\(there are mtad, '],
  [['--strategies', 'mmtad', '--draft', 'lookup'], 'use mtad'],
  [['--strategies', 'block', '--clip'], 'add mtad to --strategies'],
  [['--strategies', 'mtad', '--fail-below', '1'], '--strategies must name it and another'],
  [['--strategies', 'autoregressive', '--fail-below', '1'], '--strategies must name it and another'],
  [['--strategies', 'autoregressive', '--baselines', '--fail-below', '1'], 'must name it and another'],
  [['--prompts', 'no-such-file.jsonl'], 'Cannot read the prompts: .*no-such-file'],
  [['--prompts', 'folder'], 'Cannot read the prompts: EISDIR'],
  [['--compare', 'no-such-file.json'], 'Cannot read the report to compare with: .*no-such-file'],
  [['--compare', 'folder'], 'Cannot read the report to compare with: EISDIR'],
  [['--compare', 'text.json'], 'text.json is not JSON; .*earlier report of mtad benchmark'],
  [['--compare', 'array.json'], 'array.json is no report'],
  [['--compare', 'other.json'], 'other.json is no report .*: [a-z]+ is missing'],
  [['--output', 'no-such-folder/a.json'], 'Cannot write no-such-folder/a.json: ENOENT'],
  [['--output', 'folder.csv'], 'Cannot write folder.csv: it is a folder'],
  [['--output', 'a.dat'], '--output a.dat: its ending must say the format, one of .md, .csv, .json, .jsonl'],
  [['--report', '/dev/full'], 'Cannot write /dev/full: ENOSPC'],
  [['--output', ''], 'Cannot write a file without a name'],
  [['--output', '-'], 'Standard output gets what --format asks for'],
  [['--output', 'a.md', '--output', './a.md'], 'the same file'],
  [['--compare', 'array.json', '--output', 'array.json'], 'the same file'],
  [['-hf', 'someone'], 'is no address of a model'],
] as const)('%j: exit code 2, one line, nothing done', async (args, message) => {
  const { exitCode, stdout, stderr } = await runInProcess(['benchmark', ...NO_MODELS, ...args]);
  expect(stderr).toMatch(new RegExp(`^mtad: .*${message}[^\\n]*\\n$`));
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(await readFile(join(folder, 'array.json'), 'utf8')).toBe('[]');
});

test.concurrent('an option of generate: the one that was meant', async () => {
  const { exitCode, stderr } = await runInProcess(['benchmark', '--strategy', 'mtad']);
  expect(stderr).toContain("unknown option '--strategy'\n(Did you mean --strategies?)");
  expect(exitCode).toBe(2);
});

test.concurrent('a missing model: exit code 3', async () => {
  const { exitCode, stdout, stderr } = await runInProcess(['benchmark', ...NO_MODELS]);
  expect(stderr).toMatch(/^mtad: No model file no-such-model\.gguf[^\n]*\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
});

test.concurrent('a target alone: its drafts are looked up, and what cannot look up is left out', async () => {
  const one = join(folder, 'one.gguf');
  await copyFile(EMBEDDED_PAIR.model, one);
  const alone = ['benchmark', '-m', one, '--limit', '1', '-n', '3', '--draft-length', '2', '--no-baselines'];
  const [all, enough, nothing] = await Promise.all([
    runInProcess([...alone, '--format', 'json']),
    runInProcess([...alone, '--strategies', 'mtjd']),
    runInProcess([...alone, '--strategies', 'mmtad']),
  ]);
  expect(all.stderr).toBe(
    'mtad: warning: mmtad is left out: it drafts with a draft model, and there is none; add one with --draft\n',
  );
  expect(JSON.parse(all.stdout).contenders.map(({ name }: { name: string }) => name)).toEqual([
    'autoregressive',
    'speculative k=2 lookup',
    'mtad k=2 tau=0.5 lookup',
  ]);
  expect(enough).toMatchObject({ exitCode: 0, stderr: '' });
  expect(nothing.stderr).toMatch(/^mtad: Nothing is left to compare: mmtad is left out[^\n]*\n$/);
  expect(nothing).toMatchObject({ exitCode: 2, stdout: '' });
});

test.concurrent('--draft with several sources: each has its contenders', async () => {
  const drafts = `${EMBEDDED_PAIR.draft},lookup`;
  const args = [
    '--limit',
    '1',
    '-n',
    '3',
    '--draft-length',
    '2',
    '--strategies',
    'autoregressive,speculative,mmtad',
  ];
  const both = await runInProcess([
    'benchmark',
    '-d',
    drafts,
    '-m',
    EMBEDDED_PAIR.model,
    ...args,
    '--format',
    'json',
  ]);
  expect(both.stderr).toBe('');
  expect(JSON.parse(both.stdout).contenders.map(({ name }: { name: string }) => name)).toEqual([
    'autoregressive',
    'speculative k=2',
    'speculative k=2 lookup',
    'mmtad k=2 w=4 tau=0.5',
  ]);
  const two = await runInProcess(['benchmark', '-m', 'x.gguf', '-d', 'a.gguf,lookup,b.gguf']);
  expect(two.stderr).toBe('mtad: --draft names two draft models, a.gguf and b.gguf: a run has one\n');
  expect(two.exitCode).toBe(2);
});

test.concurrent('models that do not make a pair: exit code 4', async () => {
  const target = await tinyModel(folder, {}, 'target.gguf');
  const draft = await tinyModel(folder, { pieces: { 370: 'other' } }, 'draft.gguf');
  const { exitCode, stdout, stderr } = await runInProcess(['benchmark', '-m', target, '-d', draft]);
  expect(stderr).toMatch(/^mtad: target\.gguf and draft\.gguf do not make a pair: [^\n]*\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
});
