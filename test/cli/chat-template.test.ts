import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHATML, chatPair, REASONING_CHATML } from '../support/chat-models.js';
import { runInProcess } from '../support/run-in-process.js';
import { inFull } from '../support/tries.js';

/** ` was`, which stories soon come to. */
const WAS = 283;
/** `.`: the model ends its answer where others put a full stop. */
const SENTENCES = { 2: '</s>', 1985: '<|im_end|>' };
const SHORT = ['--seed', '3', '-t', '1', '-n', '60'];
const CUT = 'mtad: the text was cut at --max-tokens 60; raise it for more\n';

let folder: string;
let chat: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-template-'));
  chat = await modelsIn('plain', SENTENCES);
});
afterAll(() => rm(folder, { recursive: true }));

async function modelsIn(name: string, tokens: Record<number, string>, template = CHATML) {
  const dir = await mkdtemp(join(folder, `${name}-`));
  const { model, draft } = await chatPair(dir, { tokens, template });
  return ['-m', model, '-d', draft, ...SHORT];
}

const json = async (args: readonly string[]) => JSON.parse((await runInProcess([...args, '--json'])).stdout);

describe('a model with a chat template', () => {
  test('gets the prompt in it, and the token that ends a turn ends the text', async () => {
    const [asked, raw] = await Promise.all([json([...chat, 'Hello']), json([...chat, '--raw', 'Hello'])]);
    expect(asked.params).toMatchObject({ chat_template: 'own', think: 'auto', system: null });
    expect(raw.params).toMatchObject({ chat_template: null, think: null });
    expect(asked.prompt_tokens).toBeGreaterThan(raw.prompt_tokens + 5);
    expect(asked).toMatchObject({ finish_reason: 'eos', tokens: expect.arrayContaining([1985]) });
    expect(asked.text).not.toContain('im_end');
  });

  test('--system comes before the prompt, --chat says what is the default', async () => {
    const [plain, explicit, system] = await Promise.all([
      json([...chat, 'Hello']),
      json([...chat, '--chat', 'Hello']),
      json([...chat, '--system', 'Be brief', 'Hello']),
    ]);
    expect(explicit.text).toBe(plain.text);
    expect(system.params.system).toBe('Be brief');
    expect(system.prompt_tokens).toBeGreaterThan(plain.prompt_tokens);
  });

  test('special tokens in a prompt are words there, and tokens with --raw --special', async () => {
    const [marked, plain] = await Promise.all([json([...chat, 'a<|im_end|>b']), json([...chat, 'ab'])]);
    expect(marked.prompt_tokens - plain.prompt_tokens).toBeGreaterThan(5);
    const raw = await Promise.all(
      ['a<|im_end|>b', 'ab'].map((text) => json([...chat, '--raw', '--special', text])),
    );
    expect(raw[0].prompt_tokens - raw[1].prompt_tokens).toBeLessThan(5);
  });

  test('--chat-template names another, --chat-template-file brings one', async () => {
    const file = join(folder, 'own.jinja');
    await writeFile(file, '{{ messages[0].content }}!');
    const [named, given] = await Promise.all([
      json([...chat, '--chat-template', 'llama2', 'Hello']),
      json([...chat, '--chat-template-file', file, 'Hello']),
    ]);
    expect(named.params.chat_template).toBe('llama2');
    expect(given.params.chat_template).toBe('given');
    expect(given.prompt_tokens).toBe((await json([...chat, '--raw', 'Hello!'])).prompt_tokens);
  });

  test.each([
    [['--chat-template', 'chatmll', 'Hello'], 'is no chat template: a known one is chatml, '],
    [['--chat-template-file', 'nowhere.jinja', 'Hello'], 'Cannot read the chat template: ENOENT'],
    [['--chat-template', '{{ x.y(1) }}', 'Hello'], 'the chat template given cannot be rendered: '],
    [['--raw', '--think', 'off', 'Hello'], 'cannot be used with'],
    [['--raw', '--chat', 'Hello'], 'cannot be used with'],
    [['--raw', '--system', 'Be brief', 'Hello'], 'cannot be used with'],
  ])('%j is refused', async (args, message) => {
    const { exitCode, stderr } = await runInProcess([...chat, ...args]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(message) });
  });
});

// Each day templates/render.test.ts and models/inspect.test.ts render such ones.
inFull('a template without an end, or one that takes all memory, ends nothing but the run', async () => {
  const bomb = '{% for i in range(1000000000) %}{{ i }}{% endfor %}';
  const model = await modelsIn('bomb', SENTENCES, bomb);
  const { exitCode, stdout, stderr } = await runInProcess([...model, 'Hello']);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(
    /^mtad: the chat template of chat-target\.gguf cannot be rendered: it .+ \(--raw\)\n$/,
  );
  expect((await runInProcess([...model, '--raw', 'Hello'])).exitCode).toBe(0);
});

test('--think without a switch for it changes nothing, and that is said', async () => {
  const { exitCode, stderr } = await runInProcess([...chat, '--think', 'off', 'Hello']);
  expect(exitCode).toBe(0);
  expect(stderr).toContain(
    'mtad: --think off changes nothing: the target has no chat template with a switch',
  );
});

test('a system text for which a template has no place stands before the question, and that is said', async () => {
  const model = await modelsIn(
    'no-system',
    SENTENCES,
    CHATML.replace('messages %}', "messages if message.role != 'system' %}"),
  );
  const { stderr } = await runInProcess([...model, '--system', 'Be brief', 'Hello']);
  expect(stderr).toBe(
    'mtad: the chat template has no place for a system text: it stands before the first question\n',
  );
});

test.each([['--chat'], ['--system', 'Be brief']])(
  'a model without one has no use for %s',
  async (...args) => {
    const { exitCode, stdout, stderr } = await runInProcess([...args, 'Hello']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('stories-target-f16.gguf has no chat template');
  },
);

test('a system text that no flag gave is not used beside a model without one, and that is said', async () => {
  const file = join(folder, 'config.toml');
  await writeFile(file, 'system = "Be brief"');
  const plain = await json([...SHORT, 'Hello']);
  for (const [env, source] of [
    [{ MTAD_SYSTEM: 'Be brief' }, 'MTAD_SYSTEM'],
    [{ MTAD_CONFIG: file }, file],
  ] as const) {
    const { exitCode, stdout, stderr } = await runInProcess([...SHORT, '--json', 'Hello'], { env });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: `mtad: the system text of ${source} is not used: stories-target-f16.gguf has no chat template\n${CUT}`,
    });
    const { text, params } = JSON.parse(stdout);
    expect({ text, system: params.system }).toEqual({ text: plain.text, system: null });
    expect((await runInProcess([...SHORT, '-q', 'Hello'], { env })).stderr).toBe('');
    expect((await runInProcess([...SHORT, '--raw', 'Hello'], { env })).stderr).toBe(CUT);
    expect((await runInProcess([...SHORT, '--chat', 'Hello'], { env })).exitCode).toBe(2);
  }
});

describe('a model that reasons before it answers', () => {
  const greedy = ['--temperature', '0', '--strategy', 'autoregressive', 'Hello'];
  let thinking: string[];
  beforeAll(async () => {
    const [first] = (await json([...chat, ...greedy])).tokens; // what it begins with is the mark, from here on
    const marks = { 257: '<a>', 256: '<b>', [first]: '<think>', [WAS]: '</think>' };
    thinking = await modelsIn('thinking', marks, REASONING_CHATML);
  });

  test('is told from its answer in JSON, and hidden on request', async () => {
    const { text, reasoning } = await json([...thinking, ...greedy]);
    expect(reasoning).toMatch(/^<think>[\s\S]+<\/think>\s*$/);
    expect(text.startsWith(reasoning)).toBe(true);
    const hidden = await json([...thinking, '--hide-reasoning', ...greedy]);
    expect(hidden.reasoning).toBe(reasoning);
    expect(hidden.text).toBe(text.slice(reasoning.length));
    expect(hidden.text).not.toBe('');
    const [shown, answer] = await Promise.all([
      runInProcess([...thinking, ...greedy]),
      runInProcess([...thinking, '--hide-reasoning', ...greedy]),
    ]);
    expect(shown.stdout).toBe(text);
    expect(answer.stdout).toBe(hidden.text);
  });

  test('and ended before it answered: that is said where the reasoning is hidden', async () => {
    for (const [early, remedy] of [
      [['-n', '2'], 'raise --max-tokens'],
      [['--stop', 'e'], 'choose another --stop'],
    ] as const) {
      const run = await runInProcess([...thinking, '--hide-reasoning', ...greedy, ...early]);
      const stderr = `mtad: the text ended before there was an answer; ${remedy}\n`;
      expect(run).toMatchObject({ exitCode: 0, stdout: '', stderr });
    }
  });
});
