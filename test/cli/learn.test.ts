import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyModel } from '../support/gguf-files.js';
import { runInProcess } from '../support/run-in-process.js';

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-learn-'));
  await mkdir(at('notes/deep'), { recursive: true });
  await writeFile(
    at('notes/a.md'),
    '\uFEFFOnce upon a time there was a little girl named Lily.\r\nShe loved the sea.\n',
  );
  await writeFile(at('notes/deep/b.txt'), 'One.\n<|endoftext|>\nTwo.\n<|endoftext|>\n');
  await writeFile(
    at('notes/c.jsonl'),
    '{"prompt": "Who?", "text": "Lily."}\n\n{"messages": [{"role": "user", "content": "Why?"}]}\n',
  );
  await writeFile(at('notes/.hidden'), 'secret');
});
afterAll(() => rm(folder, { recursive: true }));

const learn = (...args: string[]) => runInProcess(['learn', ...args]);
const facts = async (name: string) =>
  JSON.parse((await runInProcess(['inspect', at(name), '--json'])).stdout);

test('makes a corpus of files and folders, tells of it, and drafts from it', async () => {
  const { exitCode, stdout, stderr } = await learn(at('notes'), '-o', at('notes.corpus'));
  expect(stderr).toMatch(/notes\.corpus: \d+ tokens in 5 texts; read \d+ B in [\d.]+ s, [\d.]+ s per MB\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  expect(await facts('notes.corpus')).toMatchObject({
    model: 'stories-target-f16.gguf',
    texts: 5,
    token_bytes: 2,
  });
  const text = await runInProcess(['inspect', at('notes.corpus')]);
  expect(text.stdout).toMatch(
    /a corpus for stories-target-f16\.gguf, \d+ tokens in 5 texts, .* bytes per token/,
  );
  for (const strategy of ['mtad', 'mmtad', 'speculative', 'block']) {
    const args = [
      '--draft',
      at('notes.corpus'),
      '--strategy',
      strategy,
      '--temperature',
      '0',
      '-n',
      '12',
      '--gpu',
      'off',
      '--json',
    ];
    const run = JSON.parse((await runInProcess([...args, 'Once upon a time there was'])).stdout);
    expect(run).toMatchObject({
      draft: 'corpus',
      speculation: { draft_passes: 0 },
      params: { draft_from: 'corpus' },
    });
    expect(run.speculation.accepted).toBeGreaterThan(1);
    const alone = await runInProcess([
      '--strategy',
      'autoregressive',
      '--temperature',
      '0',
      '-n',
      '12',
      '--gpu',
      'off',
      'Once upon a time there was',
    ]);
    if (strategy !== 'mtad' && strategy !== 'mmtad') expect(run.text).toBe(alone.stdout);
  }
});

test('a corpus goes on where the draft of a model ends', async () => {
  await learn(at('notes'), '-o', at('tail.corpus'));
  const { exitCode, stdout } = await runInProcess([
    ...['--draft', `+${at('tail.corpus')}`, '--strategy', 'speculative', '--draft-length', '6'],
    ...['--temperature', '0', '-n', '12', '--gpu', 'off', '--json', 'Once upon a time there was'],
  ]);
  expect(exitCode).toBe(0);
  const { draft, params, speculation } = JSON.parse(stdout);
  expect(draft).toMatch(/stories-draft-f16\.gguf$/);
  expect(params).toMatchObject({ draft_from: 'model', draft_tail: 'corpus' });
  expect(speculation.drafted).toBeGreaterThan(speculation.draft_passes); // those of the corpus took none
});

test('--append adds to what is there, and lets nobody read it who could not before', async () => {
  await learn(at('notes/a.md'), '-o', at('more.corpus'));
  await chmod(at('more.corpus'), 0o600);
  const before = await facts('more.corpus');
  await learn(at('notes/c.jsonl'), '-o', at('more.corpus'), '--append');
  const after = await facts('more.corpus');
  expect(after.texts).toBe(before.texts + 2);
  expect((await stat(at('more.corpus'))).mode & 0o777).toBe(0o600);
  await learn(at('notes/a.md'), at('notes/c.jsonl'), '-o', at('both.corpus'));
  expect((await readFile(at('more.corpus'))).equals(await readFile(at('both.corpus')))).toBe(true);
});

test('files that are no text are named and left out as a whole', async () => {
  await mkdir(at('mixed'));
  await writeFile(at('mixed/good.txt'), 'Once upon a time.');
  await writeFile(at('mixed/image.png'), Buffer.from([0x89, 0x50, 0, 1, 2]));
  await writeFile(at('mixed/latin.txt'), Buffer.from('Once upon\ncaf\xe9', 'latin1'));
  await writeFile(at('mixed/cut.jsonl'), '{"text": "Twice upon"}\n{"text": "cut');
  const { exitCode, stderr } = await learn(at('mixed'), at('none.txt'), '-o', at('mixed.corpus'));
  expect(stderr).toMatch(/left out \S+none\.txt: ENOENT/);
  for (const [name, why] of [
    ['image.png', 'it is no text'],
    ['latin.txt', 'it is not UTF-8 text'],
    ['cut.jsonl', 'line 2 is not JSON'],
  ])
    expect(stderr).toContain(`${name}: ${why}\n`);
  expect(exitCode).toBe(1);
  await learn(at('mixed/good.txt'), '-o', at('good.corpus'));
  expect((await readFile(at('mixed.corpus'))).equals(await readFile(at('good.corpus')))).toBe(true);
});

test.each([
  [['-o', 'x.corpus'], /What to learn\?/, 2],
  [['notes'], /Where to\?/, 2],
  [['notes', '-o', 'x.txt'], /must end in \.corpus/, 2],
  [['empty.txt', '-o', 'x.corpus'], /There is no text in what was given/, 2],
  [['notes', '-o', 'precious.corpus'], /precious\.corpus is there and is no corpus/, 2],
  [['notes', '-o', 'x.corpus', '--for', 'none.gguf'], /none\.gguf/, 3],
])('%j is refused, and nothing is written', async (args, message, code) => {
  await writeFile(at('empty.txt'), '');
  await writeFile(at('precious.corpus'), 'precious');
  const { exitCode, stderr } = await learn(...args.map((arg) => (/^-|none/.test(arg) ? arg : at(arg))));
  expect(stderr).toMatch(message);
  expect(exitCode).toBe(code);
  expect(existsSync(at('x.corpus'))).toBe(false);
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  expect(await readFile(at('precious.corpus'), 'utf8')).toBe('precious');
});

test('a corpus of other tokens is refused, and so is one that is not whole', async () => {
  const model = await tinyModel(folder);
  const other = await runInProcess(['-m', model, '--draft', at('notes.corpus'), 'Once']);
  expect(other.stderr).toMatch(
    /was made for the tokens of stories-target-f16\.gguf, and tiny\.gguf has others: make one/,
  );
  expect(other.exitCode).toBe(4);
  const append = await learn(at('notes'), '--for', model, '-o', at('notes.corpus'), '--append');
  expect(append.exitCode).toBe(4);
  await writeFile(at('cut.corpus'), await readFile(at('notes.corpus')));
  await truncate(at('cut.corpus'), 200);
  for (const args of [
    ['--draft', at('cut.corpus'), 'Once'],
    ['inspect', at('cut.corpus')],
  ]) {
    const { exitCode, stderr } = await runInProcess(args);
    expect(stderr).toMatch(/cut\.corpus is no corpus, or not a whole one: make it with mtad learn\n$/);
    expect(exitCode).toBe(3);
  }
});
