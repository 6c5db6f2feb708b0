import { expect, test } from 'vitest';
import { runInProcess } from '../support/run-in-process.js';

/** A mistake in the arguments must be found before models are looked for, so these do not exist. */
const NO_MODELS = ['--model', 'no-such-model.gguf', '--draft', 'no-such-draft.gguf', 'A prompt'];

const whole = (option: string) => [option, 'NaN', '-3', '1.5', 'many', ''];
const refused = [
  [...whole('--draft-length'), '0', '65'],
  [...whole('--beam-width'), '0', '65'],
  ['--threshold', 'NaN', '-0.5', '0', '1.01', 'low', ''],
  ['--temperature', 'NaN', '-1', 'Infinity', 'hot', ''],
  [...whole('--top-k')],
  ['--top-p', 'NaN', '-0.1', '0', '1.5', 'most', ''],
  [...whole('--seed'), '4294967296'],
  [...whole('--max-tokens'), '0'],
  [...whole('--ctx-size'), '1'],
  [...whole('--threads')],
  [...whole('--gpu-layers')],
  [...whole('--draft-gpu-layers')],
  ['--strategy', 'magic', ''],
  ['--engine', 'steam', ''],
  ['--gpu', 'abacus'],
  ['--stop', ''],
  ['--color', 'sometimes'],
  ['--engine', 'vllm'],
  ['--cache-type', 'q3_k'],
  ['--flash-attn', 'maybe'],
].flatMap(([option, ...values]) => values.map((value) => [option!, value] as const));

test.concurrent.each(refused)('%s %j is refused with exit code 2 and its name', async (option, value) => {
  const { exitCode, stdout, stderr } = await runInProcess([option, value, ...NO_MODELS]);
  expect(stderr).toContain(option);
  expect(stderr).toMatch(/must|Allowed choices/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test.concurrent.each([
  [['--strategy', 'mmtad', '--draft', 'lookup', 'A prompt'], 'use mtad'],
  [['--strategy', 'mmtad', '--clip', 'A prompt'], 'use mtad'],
  [['--cache-type', 'q4_0', '--flash-attn', 'off', 'A prompt'], 'needs flash attention'],
  [['--model', 'hf:someone', '--draft', 'hf:someone/small', 'A prompt'], 'is no address of a model'],
  [['pull'], 'What to download?'],
  [['pull', 'llama.gguf'], 'is no address'],
  [['pull', '--pair', 'lama-3.1-8b'], 'did you mean llama-3.1-8b?'],
  [['--no-such-option'], 'unknown option'],
  [['--json', '--jsonl'], 'cannot be used with'],
  [['--prompt', 'one', 'two'], 'given twice'],
  [['--file', '-', '--no-stdin'], '--no-stdin'],
  [['--file', 'no-such-file.txt'], 'no-such-file.txt'],
  [['--prompt', ''], 'empty'],
  [['--output', '/no/such/folder/out.txt', 'A prompt'], 'Cannot write'],
  [['--trace', '/', 'A prompt'], 'Cannot write'],
  [['learn'], 'What to learn?'],
  [['genrate'], 'did you mean generate?'],
  [['benchmrk', '--json'], 'did you mean benchmark?'],
  [['--seed', '1', 'benchmark'], 'stands first'],
  [['--seed', '1', 'learn'], 'stands first'],
  [['{stdin}', 'again'], 'nothing is piped in'],
  [['--output', 'a.txt', '--trace', './a.txt', 'A prompt'], 'the same file'],
  [['--model', 'gguf/README.md', '--output', 'gguf/README.md', 'A prompt'], 'the same file'],
] as const)('%j ends with exit code 2 and "%s"', async (args, message) => {
  const { exitCode, stdout, stderr } = await runInProcess(args);
  expect(stderr).toContain(message);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test.each([
  [['-md', 'no-such-draft.gguf', '-m', 'gguf/stories-target-f16.gguf'], 'no-such-draft.gguf'],
  [['-ngl', '-3'], '--gpu-layers'],
  [['-ngld', '-3'], '--draft-gpu-layers'],
  [['--draft-max', '0'], '--draft-length'],
  [['--temp', '-1'], '--temperature'],
  [['--temp=-1'], '--temperature'],
  [['--n-predict', '0'], '--max-tokens'],
])('llama.cpp spelling %j is understood', async (args, ours) => {
  const { stderr } = await runInProcess([...args, 'A prompt']);
  expect(stderr).toContain(ours);
});

test.each([
  [['-hf', 'someone/large:Q8_0'], 'hf:someone/large:Q8_0'],
  [['--hf-repo=hf:someone/large:Q8_0'], 'hf:someone/large:Q8_0'],
  [['-m', 'gguf/stories-target-f16.gguf', '-hfd', 'someone/small'], 'hf:someone/small'],
  [['-m', 'gguf/stories-target-f16.gguf', '-hfrd', 'someone/small'], 'hf:someone/small'],
])('llama.cpp names of repositories, %j, are addresses', async (args, address) => {
  const { stderr, exitCode } = await runInProcess([
    ...args,
    '--offline',
    '-d',
    'hf:someone/small',
    'A prompt',
  ]);
  expect(stderr).toContain(`mtad: ${address} is not in `);
  expect(exitCode).toBe(3);
});

test('after -- everything is prompt', async () => {
  const { exitCode, stdout } = await runInProcess(['-n', '3', '--', '-md', '--temp']);
  expect(exitCode).toBe(0);
  expect(stdout).not.toBe('');
});

test('a word that is no command is a prompt, and so is what follows generate', async () => {
  for (const args of [['Grandmother'], ['time'], ['generate', 'benchmark it']]) {
    const { exitCode, stdout } = await runInProcess([...args, '-n', '3']);
    expect(exitCode).toBe(0);
    expect(stdout).not.toBe('');
  }
});
