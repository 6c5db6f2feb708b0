import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chatPair } from '../support/chat-models.js';
import { type InProcessOptions, runInProcess } from '../support/run-in-process.js';
import { firstOf } from '../support/tries.js';

let folder: string;
const home = process.cwd();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-batch-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  await mkdir(join(folder, 'run'));
  process.chdir(join(folder, 'run'));
});
afterEach(async () => {
  process.chdir(home);
  await rm(join(folder, 'run'), { recursive: true });
});

const SHORT = ['--gpu', 'off', '--threads', '1', '-n', '6', '--seed', '1', '-q'];
const batch = (args: readonly string[], options: InProcessOptions = {}) =>
  runInProcess(['batch', ...SHORT, ...args], options);
const linesOf = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
const json = (...values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
const alone = async (prompt: string, ...args: string[]) =>
  (await runInProcess([...SHORT, '-p', prompt, ...args])).stdout;

describe('JSON lines', () => {
  it('give a text each, in their order, with settings of their own: what each prompt alone gives', async () => {
    const input = json(
      { id: 'a', prompt: 'Once upon a time' },
      { prompt: 'Once upon a time there was', max_tokens: 3, strategy: 'speculative' },
      { id: 7, prompt: 'The cat', seed: 5, stop: ['.'] },
    );
    const { exitCode, stdout, stderr } = await batch([], { input });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const lines = linesOf(stdout);
    expect(lines.map(({ id, seed }) => [id, seed])).toEqual([
      ['a', 1],
      [2, 1],
      [7, 5],
    ]);
    expect(lines.map(({ text }) => text)).toEqual([
      await alone('Once upon a time'),
      await alone('Once upon a time there was', '-n', '3', '--strategy', 'speculative'),
      await alone('The cat', '--seed', '5', '--stop', '.'),
    ]);
    expect(lines[0]).toMatchObject({ finish_reason: 'length', completion_tokens: 6, cached_tokens: 0 });
    expect(lines[1].cached_tokens).toBeGreaterThan(3);
  });

  const WRONG: readonly (readonly [
    what: string,
    line: string | Buffer,
    id: string | number,
    error: RegExp,
  ])[] = [
    [
      'bytes that are no text',
      Buffer.from('{"id": "b", "prompt": "\xff"}', 'latin1'),
      2,
      /^the line is not valid UTF-8/,
    ],
    ['not JSON', '{"id": "b", "prompt"', 2, /^not JSON: /],
    ['no object', '[1]', 2, /^a line must be an object/],
    ['no prompt', '{"id": "b"}', 'b', /^a line must have either "prompt" or "messages"$/],
    ['an empty prompt', '{"id": "b", "prompt": ""}', 'b', /^"prompt" must be a text that is not empty$/],
    [
      'a strange setting',
      '{"id": "b", "prompt": "x", "maxTokens": 3}',
      'b',
      /^unknown setting "maxTokens"; did you mean "max_tokens"\?$/,
    ],
    ['the name of no setting', '{"prompt": "x", "__proto__": 1, "constructor": 1}', 2, /^unknown setting "/],
    [
      'a wrong value',
      '{"id": "b", "prompt": "x", "max_tokens": "3"}',
      'b',
      /^"max_tokens" must be a whole number from 1 to /,
    ],
    [
      'settings that contradict',
      '{"id": "b", "prompt": "x", "strategy": "block", "clip": true}',
      'b',
      /^"clip" changes the rule/,
    ],
    [
      'messages for no template',
      '{"id": "b", "messages": [{"role": "user", "content": "Hi"}]}',
      'b',
      /has no chat template/,
    ],
    [
      'messages that end with the system',
      '{"id": "b", "messages": [{"role": "system", "content": "Hi"}]}',
      'b',
      /^"messages" must be a list of .*, which ends with a question or an answer$/,
    ],
    ['no messages', '{"id": "b", "messages": []}', 'b', /^"messages" must be a list of /],
    [
      'messages without a question',
      '{"id": "b", "messages": [{"role": "bot", "content": "Hi"}]}',
      'b',
      /^"messages" must be a list of /,
    ],
    [
      'a long prompt',
      json({ id: 'b', prompt: 'word '.repeat(3000) }),
      'b',
      /^The prompt has (at least )?\d+ tokens/,
    ],
    [
      'a system text for a model without a chat template',
      '{"id": "b", "prompt": "x", "system": "Be kind."}',
      'b',
      /^"system" needs a chat template/,
    ],
    ['an id of another line', '{"id": "a", "prompt": "x"}', 'a', /^the id "a" is that of line 1 too$/],
  ];
  it.each(firstOf(7, WRONG))('that are wrong cost themselves alone: %s', async (_, line, id, error) => {
    const good = json({ id: 'a', prompt: 'Once' });
    const last = json({ id: 'c', prompt: 'The cat' });
    const input = Buffer.concat([Buffer.from(good), Buffer.from(line), Buffer.from(`\n${last}`)]);
    const { exitCode, stdout, stderr } = await batch([], { input });
    const lines = linesOf(stdout);
    expect(lines).toMatchObject([
      { id: 'a' },
      { id, line: 2, error: expect.stringMatching(error) },
      { id: 'c' },
    ]);
    expect([lines[0].text, lines[2].text]).toEqual([await alone('Once'), await alone('The cat')]);
    expect(stderr).toMatch(/^mtad: 1 input failed: Standard input, line 2: [^\n]*\n$/);
    expect(exitCode).toBe(1);
  });

  it('go on with the answer that their messages end with', async () => {
    const { model, draft } = await chatPair(join(folder, 'run'));
    const args = [
      '-m',
      model,
      '-d',
      draft,
      '--temperature',
      '0',
      '--strategy',
      'autoregressive',
      '--ignore-eos',
    ];
    const question = { role: 'user', content: 'Tell me a story.' };
    const asked = json({ messages: [question], max_tokens: 12 }, { messages: [question] });
    const [whole, begun] = linesOf((await batch(args, { input: asked })).stdout);
    const messages = [question, { role: 'assistant', content: begun.text }];
    const { stdout, exitCode } = await batch(args, { input: json({ messages }) });
    expect(begun.text + linesOf(stdout)[0].text).toBe(whole.text);
    expect(exitCode).toBe(0);
  });

  it('pass over a system text that is set for all models where the model has no template, and that is said', async () => {
    const file = join(folder, 'run', 'config.toml');
    await writeFile(file, 'system = "Be brief"');
    const input = json({ prompt: 'The cat' });
    const talking = ['batch', ...SHORT.filter((arg) => arg !== '-q')];
    for (const [env, source] of [
      [{ MTAD_SYSTEM: 'Be brief' }, 'MTAD_SYSTEM'],
      [{ MTAD_CONFIG: file }, file],
    ] as const) {
      const { exitCode, stdout, stderr } = await runInProcess(talking, { input, env });
      expect({ exitCode, told: stderr.split('\n')[0] }).toEqual({
        exitCode: 0,
        told: `mtad: the system text of ${source} is not used: stories-target-f16.gguf has no chat template`,
      });
      expect(linesOf(stdout)[0].text).toBe(await alone('The cat'));
    }
    const asked = await batch(['--system', 'Be brief'], { input, env: { MTAD_SYSTEM: 'Be kind' } });
    expect(asked).toMatchObject({ exitCode: 2, stdout: '' });
  });

  it('may begin with a byte order mark, end in CRLF, and have blank lines', async () => {
    const [a, b] = [{ prompt: 'Once' }, { prompt: 'The cat' }].map((one) => JSON.stringify(one));
    const { exitCode, stdout } = await batch([], { input: `\uFEFF${a}\r\n\r\n  \n${b}` });
    expect(linesOf(stdout).map(({ id }) => id)).toEqual([1, 4]);
    expect(exitCode).toBe(0);
  });

  it.each(['', '\n\n', '\uFEFF'])('are missed in %j', async (input) => {
    await writeFile('in.jsonl', input);
    for (const run of [await batch([], { input }), await batch(['in.jsonl'])]) {
      expect(run.stderr).toMatch(
        /^mtad: (Standard input|in\.jsonl) holds no inputs: it should have one JSON/,
      );
      expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode: 2, stdout: '' });
    }
  });

  it('may ask for JSON each by a schema of its own', async () => {
    const schema = (name: string) => ({ type: 'object', properties: { [name]: { enum: [1, 2] } } });
    const input = json(
      { prompt: 'A', json_schema: schema('a') },
      { prompt: 'A', grammar: 'root ::= "yes" | "no"' },
      { prompt: 'A', json_schema: schema('b') },
    );
    const { stdout } = await batch(['-n', '60'], { input });
    const [a, b, c] = linesOf(stdout).map(({ text }) => text);
    expect([1, 2]).toContain(JSON.parse(a).a);
    expect(['yes', 'no']).toContain(b);
    expect([1, 2]).toContain(JSON.parse(c).b);
  });
});

describe('a file of results', () => {
  const INPUT = json(
    { id: 'a', prompt: 'Once' },
    { id: 'b', prompt: 'The cat' },
    { id: 'c', prompt: 'A dog' },
  );
  const whole = async () => {
    await writeFile('in.jsonl', INPUT);
    await batch(['in.jsonl', '-o', 'whole.jsonl']);
    return withoutTimes(await readFile('whole.jsonl', 'utf8'));
  };
  const withoutTimes = (text: string) =>
    linesOf(text).map(({ timing_ms: _, tokens_per_second: __, cached_tokens: ___, ...rest }) => rest);

  it.each([
    ['nothing', () => ''],
    ['half a line', (text: string) => text.slice(0, text.indexOf('\n') + 40)],
    ['a line without its end', (text: string) => text.slice(0, text.indexOf('\n'))],
    ['all', (text: string) => text],
    [
      'lines in another order',
      (text: string) => text.split('\n').toReversed().slice(1).join('\n').concat('\n'),
    ],
  ])('is made whole by --resume where it has %s', async (_, left) => {
    const expected = await whole();
    await writeFile('out.jsonl', left(await readFile('whole.jsonl', 'utf8')));
    const before = await readFile('out.jsonl', 'utf8');
    const { exitCode, stdout } = await batch(['in.jsonl', '-o', 'out.jsonl', '--resume']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    const after = await readFile('out.jsonl', 'utf8');
    expect(withoutTimes(after)).toEqual(expected);
    for (const line of before.split('\n').slice(0, -1)) expect(after).toContain(`${line}\n`); // not done again
    expect((await readdir('.')).sort()).toEqual(['in.jsonl', 'out.jsonl', 'whole.jsonl']);
  });

  it('gets what failed before, in its place', async () => {
    const expected = await whole();
    await writeFile('in.jsonl', INPUT.replace('The cat', ''));
    expect((await batch(['in.jsonl', '-o', 'out.jsonl'])).exitCode).toBe(1);
    expect(linesOf(await readFile('out.jsonl', 'utf8'))[1]).toMatchObject({ id: 'b', line: 2 });
    await writeFile('in.jsonl', INPUT);
    expect((await batch(['in.jsonl', '-o', 'out.jsonl', '--resume'])).exitCode).toBe(0);
    expect(withoutTimes(await readFile('out.jsonl', 'utf8'))).toEqual(expected);
  });

  it('is left alone where it is something else, or there already', async () => {
    await whole();
    const other = await batch(['in.jsonl', '-o', 'in.jsonl', '--resume']);
    expect(other).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/the same file is also read/) });
    await writeFile('notes.txt', 'precious\n');
    const strange = await batch(['in.jsonl', '-o', 'notes.txt', '--resume']);
    expect(strange.stderr).toMatch(/^mtad: notes\.txt, line 1, is no result of mtad batch: /);
    const there = await batch(['in.jsonl', '-o', 'notes.txt']);
    expect(there.stderr).toMatch(/^mtad: notes\.txt is there already: --resume goes on with it/);
    expect([strange.exitCode, there.exitCode]).toEqual([2, 2]);
    expect(await readFile('notes.txt', 'utf8')).toBe('precious\n');
  });
});

describe('files', () => {
  beforeEach(async () => {
    await mkdir('notes/more', { recursive: true });
    await writeFile('notes/a.txt', 'Once upon a time\n');
    await writeFile('notes/b.txt', 'The {stdin} cat');
    await writeFile('notes/more/a.txt', 'A dog');
  });

  it('are read into the words, where {file} stands or before them', async () => {
    const { exitCode, stdout } = await batch([
      '-f',
      'notes/a.txt',
      '-f',
      'notes/b.txt',
      'Read {file}',
      'again:',
    ]);
    expect(linesOf(stdout)).toMatchObject([
      { id: 'notes/a.txt', text: await alone('Read Once upon a time again:') },
      { id: 'notes/b.txt', text: await alone('Read The {stdin} cat again:', '--no-stdin') },
    ]);
    expect(exitCode).toBe(0);
    const before = await batch(['-f', 'notes/a.txt', 'There was']);
    expect(linesOf(before.stdout)).toMatchObject([{ text: await alone('Once upon a time\n\nThere was') }]);
  });

  it('get the same text from standard input where {stdin} stands', async () => {
    const { stdout } = await batch(['-f', 'notes/a.txt', '{stdin}: {file}'], { input: 'Story\n' });
    expect(linesOf(stdout)).toMatchObject([{ text: await alone('Story: Once upon a time') }]);
    const missing = await batch(['-f', 'notes/a.txt', '{stdin}: {file}']);
    expect(missing).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/nothing is piped in/) });
  });

  it('of a pattern give files of their own names, also below folders', async () => {
    const { exitCode, stdout } = await batch(['-f', 'notes/**/*.txt', '--out-dir', 'out']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect((await readdir('out', { recursive: true })).sort()).toEqual([
      'a.txt',
      'b.txt',
      'more',
      'more/a.txt',
    ]);
    expect(await readFile('out/more/a.txt', 'utf8')).toBe(await alone('A dog'));
    await rm('out/b.txt');
    await writeFile('out/a.txt', 'kept');
    const again = await batch(['-f', 'notes/**/*.txt', '--out-dir', 'out']);
    expect(again).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/it has files already; --resume/),
    });
    expect((await batch(['-f', 'notes/**/*.txt', '--out-dir', 'out', '--resume'])).exitCode).toBe(0);
    expect(await readFile('out/a.txt', 'utf8')).toBe('kept');
    expect(await readFile('out/b.txt', 'utf8')).toBe(await alone('The {stdin} cat', '--no-stdin'));
  });

  it('that are missing or empty cost themselves alone', async () => {
    await writeFile('notes/empty.txt', '\n');
    const args = ['-f', 'notes/none.txt', '-f', 'notes/empty.txt', '-f', 'notes/a.txt'];
    const { exitCode, stdout, stderr } = await batch(args);
    expect(linesOf(stdout)).toMatchObject([
      { id: 'notes/none.txt', line: 1, error: expect.stringMatching(/^Cannot read the prompt: ENOENT/) },
      { id: 'notes/empty.txt', line: 2, error: 'The file is empty' },
      { id: 'notes/a.txt', text: expect.any(String) },
    ]);
    expect(stderr).toMatch(/^mtad: 2 of 3 inputs failed; the first: notes\/none\.txt: Cannot read [^\n]*\n$/);
    expect(exitCode).toBe(1);
  });

  it('are not overwritten, and names lead out of no folder', async () => {
    const { stderr, exitCode } = await batch(['-f', 'notes/a.txt', '--out-dir', 'notes', '--resume']);
    expect(stderr).toBe('mtad: The text for notes/a.txt would overwrite it: choose another --out-dir\n');
    expect(exitCode).toBe(2);
    const ids = ['../../escaped', '..', 'a/b', 'é'.repeat(300), '\ud800', `${'é'.repeat(300)}!`];
    const input = json(...ids.map((id) => ({ id, prompt: 'Once' })));
    expect((await batch(['--out-dir', 'out'], { input })).exitCode).toBe(0);
    const names = await readdir('out');
    expect(names).toHaveLength(ids.length);
    expect(names).toContain('%2E.%2F..%2Fescaped.txt');
    expect(existsSync('../escaped.txt')).toBe(false);
  });
});

it.each([
  [['-f', 'a.txt', 'b.txt'], /b\.txt is a file among the words: put a pattern in quotes/],
  [['-f', '*.none', 'x'], /No file matches "\*\.none"/],
  [['a.jsonl', 'b.jsonl'], /Give one file of JSON lines/],
  [['none.jsonl'], /Cannot read the inputs: ENOENT/],
  [['.'], /^mtad: \. is a folder, not a file of JSON lines/],
  [[], /No inputs: name a file/],
  [['b.txt', '--resume'], /--resume goes on with a file or a folder/],
  [['-f', '-'], /--file - would be one text/],
  [['b.txt', '-o', 'x', '--out-dir', 'y'], /cannot be used with option/],
])('%j is refused before anything is loaded', async (args, message) => {
  await writeFile('b.txt', '');
  const { exitCode, stdout, stderr } = await batch(args);
  expect(stderr).toMatch(message);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(await readdir('.')).toEqual(['b.txt']);
});

it('removes what a run that was killed has left in its folder, and nothing else', async () => {
  await mkdir('out/deep', { recursive: true });
  const left = ['.mtad-999999999.tmp', 'deep/.mtad-999999999.tmp'];
  const others = ['.mtad-1.tmp', '.999999999.tmp'];
  for (const name of [...left, ...others]) await writeFile(`out/${name}`, 'Onc');
  const input = json({ id: 'a', prompt: 'Once' });
  const refused = await runInProcess(['batch', ...SHORT, '--out-dir', 'out'], { input });
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('it has files already') });
  const files = async () => (await readdir('out', { recursive: true })).sort();
  expect(await files()).toEqual([...left, ...others, 'deep'].sort()); // a folder that is refused stays as it is
  await runInProcess(['batch', ...SHORT, '--out-dir', 'out', '--resume'], { input });
  expect(await files()).toEqual([...others, 'a.txt', 'deep'].sort());
});

it('says what failed in a folder, what was cut and what was there', async () => {
  const args = ['batch', ...SHORT.slice(0, -1), '--out-dir', 'out', '--resume'];
  const input = json({ id: 'a', prompt: 'Once' }, { id: 'b' });
  const first = await runInProcess(args, { input });
  expect(first.stderr.split('\n')).toEqual([
    'mtad: b: a line must have either "prompt" or "messages"',
    'mtad: 1 input failed: Standard input, line 2: a line must have either "prompt" or "messages"',
    'mtad: 1 texts were cut, by --max-tokens 6 or a full context',
    '',
  ]);
  const again = await runInProcess(args, { input });
  expect(again.stderr).toMatch(/mtad: 1 texts were there\n$/);
});
