import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import {
  embeddingModel,
  emptyFile,
  textFile,
  tinyModel,
  truncatedHeader,
  truncatedModel,
  vocabOnlyModel,
} from '../support/gguf-files.js';
import { runInProcess } from '../support/run-in-process.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-models-'));
});
afterAll(() => rm(folder, { recursive: true }));

const badFiles: [string, () => Promise<string> | string, RegExp][] = [
  ['missing', () => join(folder, 'missing.gguf'), /No model file .*missing\.gguf/],
  ['a folder', () => folder, /is a folder/],
  ['empty', () => emptyFile(folder), /is empty/],
  ['a text file', () => textFile(folder), /is not a GGUF file/],
  ['truncated', () => truncatedModel(folder, EMBEDDED_PAIR.model), /cut off/],
  ['truncated in its header', () => truncatedHeader(folder, EMBEDDED_PAIR.model), /cut off|damaged/],
  ['without weights', () => vocabOnlyModel(folder), /holds no weights/],
  ['an embedding model', () => embeddingModel(folder), /cannot generate text/],
];

test.each(badFiles)('a model file that is %s: exit code 3, one line', async (_, make, message) => {
  const file = await make();
  for (const models of [
    ['-m', file, '-d', EMBEDDED_PAIR.draft],
    ['-m', EMBEDDED_PAIR.model, '-d', file],
  ]) {
    const { exitCode, stdout, stderr } = await runInProcess([...models, 'A prompt']);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^mtad: [^\n]*\n$/);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
  }
});

test('two models of different vocabularies: exit code 4 and the first difference', async () => {
  const target = await tinyModel(folder, {}, 'target.gguf');
  const draft = await tinyModel(folder, { pieces: { 370: 'other' } }, 'draft.gguf');
  const { exitCode, stdout, stderr } = await runInProcess(['-m', target, '-d', draft, 'A prompt']);
  expect(stderr).toMatch(
    /^mtad: target\.gguf and draft\.gguf do not make a pair: vocabularies differ at token 370: .* \/ "other"/,
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
});

test('two models that end texts differently: a pair, and a line that says so', async () => {
  const target = await tinyModel(folder, {}, 'target.gguf');
  const draft = await tinyModel(folder, { eos: 7 }, 'base.gguf');
  const options = ['-m', target, '-d', draft, '-n', '8', '--temperature', '0'];
  const speculative = await runInProcess([...options, '--strategy', 'speculative', 'w1 w2']);
  expect(speculative.stderr).toMatch(
    /^mtad: warning: target\.gguf and base\.gguf end texts with 2 "<\/s>" \/ 7 .*; the target's counts[^\n]*\n(mtad: the text was cut [^\n]+\n)?$/,
  );
  const alone = await runInProcess([...options, '--strategy', 'autoregressive', 'w1 w2']);
  expect(speculative).toMatchObject({ exitCode: 0, stdout: alone.stdout });
  expect(alone.stderr).not.toContain('warning');
});

describe('a target alone', () => {
  let alone: string;
  beforeAll(async () => {
    alone = join(folder, 'one.gguf');
    await copyFile(EMBEDDED_PAIR.model, alone);
  });
  const run = (...args: string[]) => runInProcess(['-m', alone, 'A prompt', '-n', '3', ...args]);
  const CUT = 'mtad: the text was cut at --max-tokens 3; raise it for more\n';

  test.each([
    ['mtad', 'mtad: one.gguf has no draft model (-d): guesses are looked up in the text so far\n'],
    ['block', 'mtad: one.gguf has no draft model (-d): guesses are looked up in the text so far\n'],
    [
      'mmtad',
      'mtad: one.gguf has no draft model (-d), and mmtad needs one: the text is written token by token\n',
    ],
    ['autoregressive', ''],
    ['mtjd', ''],
  ])('suffices for %s, and a line says what drafts', async (strategy, line) => {
    const { exitCode, stderr } = await run('--strategy', strategy);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: line + CUT });
  });

  test('with -q, --draft lookup or --json there is no such line, and JSON says it', async () => {
    expect(await run('-q')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await run('--draft', 'lookup')).toMatchObject({ exitCode: 0, stderr: CUT });
    const json = await run('--json');
    expect(json).toMatchObject({ exitCode: 0, stderr: CUT });
    expect(JSON.parse(json.stdout)).toMatchObject({ draft: 'lookup', params: { draft_from: 'lookup' } });
    const plain = JSON.parse((await run('--json', '--strategy', 'mmtad')).stdout);
    expect(plain).toMatchObject({ draft: null, strategy: 'autoregressive' });
  });

  test('that is missing is said to be', async () => {
    const { exitCode, stdout, stderr } = await runInProcess(['-m', join(folder, 'no.gguf'), 'A prompt']);
    expect(stderr).toMatch(/^mtad: No model file .*no\.gguf; looked at [^\n]*\n$/);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
  });

  test('that is the embedded one has its draft model', async () => {
    const { stdout } = await runInProcess(['-m', EMBEDDED_PAIR.model, 'A prompt', '-n', '3', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ draft: EMBEDDED_PAIR.draft });
  });

  test('does not go without a draft model that is asked for', async () => {
    const list = await run('--draft', `${EMBEDDED_PAIR.draft},lookup`);
    expect(list.stderr).toContain('Several, to be compared, are for mtad benchmark');
    expect(list.exitCode).toBe(2);
  });
});

test.each([
  ['mtp+lookup', /`?--draft mtp: .*has no drafting head/],
  ['a.corpus+b.corpus', /--draft names two corpora, a\.corpus and b\.corpus/],
  ['no+such.gguf+lookup', /No model file no\+such\.gguf/],
  ['no+such.gguf', /No model file no\+such\.gguf/],
  ['a.corpus+lookup+no.gguf', /No model file no\.gguf/],
  ['lookup+no+such.gguf', /No model file no\+such\.gguf/],
  [
    'no.gguf+lookup+a.corpus',
    /has lookup and a\.corpus behind another source: one can go on where a draft ends/,
  ],
  ['+lookup,lookup', /Several, to be compared, are for mtad benchmark/],
])('--draft %s is taken apart', async (draft, message) => {
  const { exitCode, stderr } = await runInProcess(['-m', EMBEDDED_PAIR.model, '--draft', draft, 'A prompt']);
  expect(stderr).toMatch(message);
  expect(exitCode).toBeGreaterThan(1);
});

test('--draft lookup+<model> asks the lookup first, and the figures tell the sources apart', async () => {
  const prompt = Array(3).fill('She said: "Run to the big red house, my little friend."').join(' ');
  const args = ['--temperature', '0', '-n', '30', '-k', '4', '--json', prompt];
  const { stdout } = await runInProcess(['--strategy', 'speculative', '--draft', 'lookup+', ...args]);
  const { text, params, draft, speculation } = JSON.parse(stdout);
  expect(draft).toBe(EMBEDDED_PAIR.draft);
  expect(params).toMatchObject({ draft_first: 'lookup', draft_from: 'model', draft_tail: 'none' });
  const { lookup, model } = speculation.by_source;
  expect(lookup.drafted).toBeGreaterThan(0);
  expect(lookup.drafted + model.drafted).toBe(speculation.drafted);
  expect(lookup.accepted + model.accepted).toBe(speculation.accepted);
  const alone = await runInProcess(['--strategy', 'autoregressive', ...args]);
  expect(text).toBe(JSON.parse(alone.stdout).text);
});

test('--draft lookup drafts from the text, without a draft model; ./lookup is a file', async () => {
  const args = ['--strategy', 'speculative', '--json', '--temperature', '0', 'Run, run, run, run, run,'];
  const { draft, params, speculation, model } = JSON.parse(
    (await runInProcess(['--draft', 'lookup', ...args])).stdout,
  );
  expect({ draft, draft_from: params.draft_from }).toEqual({ draft: 'lookup', draft_from: 'lookup' });
  expect(speculation).toMatchObject({ draft_passes: 0, drafted: expect.any(Number) });
  expect(speculation.accepted).toBeGreaterThan(0);
  const alone = JSON.parse(
    (await runInProcess(['--draft', 'lookup', '--strategy', 'autoregressive', ...args.slice(2)])).stdout,
  );
  expect(alone.draft).toBeNull(); // nothing was drafted
  const file = await runInProcess(['--model', model, '--draft', './lookup', ...args]);
  expect(file.stderr).toContain('No model file ./lookup');
  expect(file.exitCode).toBe(3);
});

test('models are found by name in the models folder, and through the environment', async () => {
  await copyFile(EMBEDDED_PAIR.model, join(folder, 'a-target.gguf'));
  await copyFile(EMBEDDED_PAIR.draft, join(folder, 'a-draft.gguf'));
  const prompt = ['Once upon a time', '-n', '5', '--temperature', '0'];
  const flags = await runInProcess([
    '--models-dir',
    folder,
    '-m',
    'a-target.gguf',
    '-d',
    'a-draft.gguf',
    ...prompt,
  ]);
  const environment = await runInProcess(prompt, {
    env: { MTAD_MODELS_DIR: folder, MTAD_MODEL: 'a-target.gguf', MTAD_DRAFT: 'a-draft.gguf' },
  });
  expect(flags.stdout).toBe(', there was a little');
  expect(environment.stdout).toBe(flags.stdout);
});

test('a prompt longer than the context: exit code 5 and both numbers', async () => {
  const { exitCode, stdout, stderr } = await runInProcess(['-n', '5', ...'word '.repeat(1100).split(' ')]);
  expect(stderr).toMatch(/The prompt has \d+ tokens and the context holds 1024/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 5, stdout: '' });
});

test('a context that no memory can hold: exit code 5', async () => {
  const { exitCode, stderr } = await runInProcess([
    '-c',
    '1000000000',
    '-n',
    '10000000',
    '-w',
    '64',
    'A prompt',
  ]);
  expect(stderr).toMatch(/needs [\d.]+ GB of memory, and this machine has [\d.]+ GB/);
  expect(exitCode).toBe(5);
});
