import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCommand } from '../../src/cli/command.js';
import { COMMANDS } from '../../src/cli/commands/index.js';
import { LLAMA_CPP_OPTIONS } from '../../src/cli/llama-cpp-options.js';
import { parsed, typedOptions } from '../support/parsed.js';
import { ioInMemory } from '../support/run-in-process.js';

/** Each spelling in llama.cpp's help, and how many values it takes. */
const THEIRS = readFileSync(new URL('../support/llama-cpp-options.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => /^\d/.test(line))
  .flatMap((line) => {
    const [values, ...names] = line.split(' ');
    return names.map((name) => ({ name, values: Number(values) }));
  });

/** Those that mtad has, by what they mean here: a value as llama.cpp takes it, the attribute, and what it becomes. */
const ACCEPTED: readonly (readonly [
  names: string,
  value: string | undefined,
  attribute: string,
  ours: unknown,
])[] = [
  ['-m --model -mu --model-url', 'https://host/a.gguf', 'model', 'https://host/a.gguf'],
  ['-hf -hfr --hf-repo', 'someone/large:Q8_0', 'model', 'hf:someone/large:Q8_0'],
  ['-md --model-draft --spec-draft-model', 'a.gguf', 'draft', 'a.gguf'],
  ['-hfd -hfrd --hf-repo-draft --spec-draft-hf', 'someone/small', 'draft', 'hf:someone/small'],
  ['--spec-draft-n-max --draft-max --draft-n', '8', 'draftLength', 8],
  ['--offline', undefined, 'offline', true],
  ['--models-dir', 'models', 'modelsDir', 'models'],
  ['-p --prompt', '-fa', 'prompt', '-fa'],
  ['-f --file', 'a.txt', 'file', 'a.txt'],
  ['-sys --system-prompt', 'You are a pirate', 'system', 'You are a pirate'],
  ['-sysf --system-prompt-file', 'system.txt', 'system', 'Be brief'],
  ['-st --single-turn', undefined, 'chat', true],
  ['-no-cnv --no-conversation', undefined, 'raw', true],
  ['--chat-template', 'chatml', 'chatTemplate', 'chatml'],
  ['--chat-template-file', 'a.jinja', 'chatTemplateFile', 'a.jinja'],
  ['-rea --reasoning', 'off', 'think', 'off'],
  ['-sp --special', undefined, 'special', true],
  ['-t --threads', '1', 'threads', 1],
  ['-td --threads-draft --spec-draft-threads', '1', 'draftThreads', 1],
  ['-c --ctx-size', '0', 'ctxSize', 0],
  ['-n --predict --n-predict', '-1', 'maxTokens', 10_000_000],
  ['-ngl --gpu-layers --n-gpu-layers', 'all', 'gpuLayers', 999],
  ['-ngld --gpu-layers-draft --n-gpu-layers-draft --spec-draft-ngl', 'auto', 'draftGpuLayers', undefined],
  ['-fa --flash-attn', 'enabled', 'flashAttn', 'on'],
  ['--rpc', '127.0.0.1:50052', 'rpc', '127.0.0.1:50052'],
  ['--api-key', 'secret', 'apiKey', 'secret'],
  ['--seed', '-1', 'seed', undefined],
  ['--temp --temperature', '0.5', 'temperature', 0.5],
  ['--top-k', '0', 'topK', 0],
  ['--top-p', '1.0', 'topP', 1],
  ['--min-p', '0.05', 'minP', 0.05],
  ['--repeat-penalty', '1.1', 'repeatPenalty', 1.1],
  ['--repeat-last-n', '64', 'repeatLastN', 64],
  ['--presence-penalty', '0.5', 'presencePenalty', 0.5],
  ['--frequency-penalty', '0.5', 'frequencyPenalty', 0.5],
  ['-r --reverse-prompt', 'User:', 'stop', ['User:']],
  ['--ignore-eos', undefined, 'ignoreEos', true],
  ['-j --json-schema', '{"type":"null"}', 'jsonSchema', '{"type":"null"}'],
  ['-jf --json-schema-file', 'a.json', 'jsonSchema', 'a.json'],
  ['--grammar --grammar-file', 'a.gbnf', 'grammar', 'a.gbnf'],
  ['-o --output --output-file', 'a.txt', 'output', 'a.txt'],
  ['-co --color', 'on', 'color', 'always'],
  ['--perf --show-timings', undefined, 'stats', true],
  ['--no-perf --no-show-timings', undefined, 'stats', false],
  ['-v --verbose --log-verbose', undefined, 'verbose', true],
];

/** What mtad does anyway. */
const GIVEN =
  '--no-escape --jinja --no-display-prompt --no-context-shift --no-warmup --swa-full --log-disable --no-mmproj ' +
  '--no-mmproj-auto --no-log-prefix --no-log-timestamps --no-log-jsonl';

const accepted = new Map(
  ACCEPTED.flatMap(([names, value, attribute, ours]) =>
    names.split(' ').map((name) => [name, { value, attribute, ours }] as const),
  ),
);
const given = new Set(GIVEN.split(' '));
const help = new Set(['-h', '--help', '--usage', '--version']);

let folder: string;
const home = process.cwd();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-options-'));
  await writeFile(join(folder, 'system.txt'), 'Be brief\n');
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

describe("llama.cpp's options", async () => {
  const words = ['A', 'prompt'];

  test('are some hundred in number', () => {
    expect(THEIRS.length).toBeGreaterThan(500);
    expect(new Set(THEIRS.map(({ name }) => name)).size).toBe(THEIRS.length);
  });

  test('are each taken with the same meaning, or refused by name', async () => {
    for (const { name, values } of THEIRS) {
      const ours = accepted.get(name);
      const typed = [name, ...Array(values).fill(ours?.value ?? '7')];
      const line = parsed([...typed, ...words]);
      if (ours) {
        expect(values, name).toBe(ours.value === undefined ? 0 : 1);
        const program = await line;
        expect({ name, ...typedOptions(program) }).toEqual({ name, [ours.attribute]: ours.ours });
        expect(program.args).toEqual(words);
      } else if (given.has(name)) {
        const program = await line;
        expect({ name, ...typedOptions(program) }).toEqual({ name });
        expect(program.args).toEqual(words);
      } else if (help.has(name)) await expect(line).rejects.toThrow(/\(outputHelp\)|^\d/);
      else if (name === '-s' || name === '--draft') await expect(line, name).rejects.toThrow(name);
      else await expect(line, name).rejects.toThrow(`llama.cpp's ${name} is not in mtad: `);
    }
  });

  test('are refused with ours: every option that an answer names is one', async () => {
    const create = (name: string) => createCommand(name, ioInMemory(), COMMANDS);
    const programs = await Promise.all([...COMMANDS.keys()].map(create));
    const options = programs.flatMap((program) => program.options);
    const flags = new Set(['--help', ...options.flatMap(({ short, long }) => [short, long])]);
    for (const [name, option] of LLAMA_CPP_OPTIONS) {
      const text = 'instead' in option ? option.instead : 'ours' in option ? option.ours : '';
      for (const [flag] of text.matchAll(/(?<![\w-])--?[a-z][a-z-]*/g))
        expect(flags, `${name}: ${text}`).toContain(flag);
    }
  });

  test('touch no file', async () => {
    expect(await readdir(folder)).toEqual(['system.txt']);
  });
});

test('--draft 8 is a draft model where there is such a file', async () => {
  await writeFile('8', '');
  expect(typedOptions(await parsed(['--draft', '8', 'A', 'prompt']))).toEqual({ draft: '8' });
});

test.each([
  [['-n', '-2'], { maxTokens: 10_000_000 }],
  [['-t', '0'], { threads: undefined }],
  [['--draft-threads', '-1'], { draftThreads: undefined }],
  [['-ngl', '-1'], { gpuLayers: undefined }],
  [['-ngl', '99'], { gpuLayers: 99 }],
  [['-fa', '1'], { flashAttn: 'on' }],
  [['-fa', 'off'], { flashAttn: 'off' }],
  [['-fa', 'auto'], { flashAttn: 'auto' }],
  [['--flash-attn=0'], { flashAttn: 'off' }],
  [['-hf', 'hf:someone/large'], { model: 'hf:someone/large' }],
  [['--hf-repo=someone/large:Q4_0'], { model: 'hf:someone/large:Q4_0' }],
  [['-r', 'a', '-r', 'b'], { stop: ['a', 'b'] }],
  [['-d', 'lookup'], { draft: 'lookup' }],
])('%j is %j', async (args, options) => {
  expect(typedOptions(await parsed([...args, 'A', 'prompt']))).toEqual(options);
});
