import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runInProcess } from '../support/run-in-process.js';

const SHORT = [
  'benchmark',
  '--strategies',
  'autoregressive',
  '--temperature',
  '0',
  '-n',
  '8',
  '--threads',
  '1',
];
const END = { prompt: 'They all lived happily ever after. The end.' };
const SPEC_BENCH = { question_id: 81, category: 'stories', turns: ['Once upon a time', 'And then?'] };
const LONG = { prompt: 'Once upon a time '.repeat(10) };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-prompts-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, lines: readonly (object | string)[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(
    path,
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
  return path;
}

interface Told {
  prompt: string;
  prompt_tokens: number;
  tokens: number[];
  finish_reason: string;
}

async function generationsOf(args: readonly string[]): Promise<Told[]> {
  const { exitCode, stdout, stderr } = await runInProcess([...SHORT, '--format', 'json', ...args]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout).generations;
}

test.concurrent('plain prompts and those of Spec-Bench, of which the first turn counts', async () => {
  const path = await fileOf('both.jsonl', [
    END,
    '',
    SPEC_BENCH,
    { prompt: 'The sea' },
    { prompt: 'Too many' },
  ]);
  const [some, alone] = await Promise.all([
    generationsOf(['--prompts', path, '--limit', '3']),
    runInProcess([
      'Once upon a time',
      '--temperature',
      '0',
      '-n',
      '8',
      '--json',
      '--strategy',
      'autoregressive',
    ]),
  ]);
  expect(some.map(({ prompt }) => prompt)).toEqual(['1', '81', '4']);
  expect(some[1]!.tokens).toEqual(JSON.parse(alone.stdout).tokens);
});

test.concurrent('a text that ends at once, and --ignore-eos', async () => {
  const path = await fileOf('end.jsonl', [END]);
  const [ended, ignored] = await Promise.all([
    generationsOf(['--prompts', path]),
    generationsOf(['--prompts', path, '--ignore-eos']),
  ]);
  expect(ended[0]).toMatchObject({ finish_reason: 'eos', tokens: [2] });
  expect(ignored[0]!.finish_reason).toBe('length');
  expect(ignored[0]!.tokens).toHaveLength(8);
});

test.concurrent('prompts from standard input', async () => {
  const args = [...SHORT, '--format', 'json', '--prompts', '-'];
  const [two, none] = await Promise.all([
    runInProcess(args, { input: `${JSON.stringify(SPEC_BENCH)}\n${JSON.stringify(END)}\n` }),
    runInProcess(args, { input: '' }),
  ]);
  const { conditions, generations } = JSON.parse(two.stdout);
  expect(conditions).toMatchObject({ prompts: 'standard input', used: 2 });
  expect(generations.map(({ prompt }: Told) => prompt)).toEqual(['81', '2']);
  expect(none.stderr).toMatch(/^mtad: Standard input holds no prompts: [^\n]*\n$/);
  expect(none.exitCode).toBe(2);
});

test.concurrent('a prompt longer than the context is left out, and said to be', async () => {
  const args = ['--prompts', await fileOf('long.jsonl', [LONG, SPEC_BENCH]), '--ctx-size', '30'];
  const [machine, quiet] = await Promise.all([
    runInProcess([...SHORT, ...args, '--format', 'json']),
    runInProcess([...SHORT, ...args, '--quiet']),
  ]);
  expect(machine.stderr).toMatch(
    /^mtad: warning: skipping 1 of 2 prompts \(long\.jsonl\), for example 1: \d+ tokens, and the context holds 30\n$/,
  );
  const { conditions, generations, complete } = JSON.parse(machine.stdout);
  expect(conditions).toMatchObject({
    used: 1,
    skipped: [{ id: '1', reason: expect.stringContaining('30') }],
  });
  const ids = generations.map(({ prompt }: Told) => prompt);
  expect({ complete, ids }).toEqual({ complete: true, ids: ['81'] });
  expect(quiet).toMatchObject({ exitCode: 0, stderr: '' });
  expect(quiet.stdout).toMatch(/1 prompts? skipped: 1 \(\d+ tokens/);
});

test.concurrent('no prompt that fits: exit code 2 and what to do', async () => {
  const args = ['--prompts', await fileOf('none.jsonl', [LONG]), '--ctx-size', '30'];
  const { exitCode, stdout, stderr } = await runInProcess([...SHORT, ...args]);
  expect(stderr).toMatch(/^mtad: None of 1 prompts fits [^\n]* raise --ctx-size[^\n]*\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test.concurrent.each([
  ['broken', [END, '{"prompt": '], /, line 2 is not JSON: it should be \{"prompt": "\.\.\."\}/],
  ['another shape', [END, '', { text: 'The sea' }], /, line 3 is no prompt: it should be /],
  ['an empty prompt', [{ prompt: '' }], /, line 1 is no prompt: .* not empty/],
  ['no turn', [{ question_id: 1, turns: [] }], /, line 1 is no prompt/],
  ['empty', [], / holds no prompts: it should have one JSON object per line/],
  ['blank', ['', ''], / holds no prompts/],
] as const)(
  'a file of prompts that is or has %s: exit code 2, file and line',
  async (name, lines, message) => {
    const path = await fileOf(`${name}.jsonl`, lines);
    const { exitCode, stdout, stderr } = await runInProcess([...SHORT, '--limit', '1', '--prompts', path]);
    expect(stderr).toMatch(new RegExp(`^mtad: .*${name}\\.jsonl${message.source}[^\\n]*\\n$`));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  },
);
