import { mkdtemp, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { CostFolder } from '../../src/tuning/cost-store.js';
import { ownProfile, writeProfile } from '../../src/tuning/profile-file.js';
import { profilesFolder } from '../../src/user-folders.js';
import { fakeProfile } from '../support/fake-profile.js';
import { textFile, tinyModel, vocabOnlyModel } from '../support/gguf-files.js';
import { Hub } from '../support/hub.js';
import { HYBRID } from '../support/hybrid.js';
import { runInProcess } from '../support/run-in-process.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-inspect-'));
});
afterAll(() => rm(folder, { recursive: true }));

const inspect = (args: readonly string[], env: Record<string, string> = {}) =>
  runInProcess(['inspect', ...args], { env: { MTAD_MODELS_DIR: folder, HF_HOME: folder, ...env } });

test('without models: the embedded pair, side by side, within 80 columns', async () => {
  const { exitCode, stdout, stderr } = await inspect([]);
  expect(stdout).toMatch(/^ +target +draft$/m);
  expect(stdout).toMatch(/^architecture +llama +llama$/m);
  expect(stdout).toMatch(/^parameters +5\.64 M +418 k$/m);
  expect(stdout).toMatch(/^vocabulary +2048 tokens, SPM +2048 tokens, SPM$/m);
  expect(stdout).toMatch(/^They make a pair: 2048 token ids/m);
  expect(stdout).toMatch(/^Memory for 1024 tokens of context: about [\d.]+ [kM]B of .* (RAM|VRAM)\.$/m);
  expect(stdout).toMatch(/^Engine: direct, on (cpu|cuda|vulkan|metal), llama\.cpp v/m);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test('of a hybrid with a head: layers by kind, what is taken back, the states and the head in memory', async () => {
  const { stdout } = await inspect([HYBRID]);
  expect(stdout).toMatch(/^layers +9: 2 attention, 6 recurrent, 1 only drafting$/m);
  expect(stdout).toMatch(/^drafting head +yes$/m);
  expect(stdout).toMatch(/^of these states +[\d.]+ MB, 10 states$/m);
  expect(stdout).toMatch(/^takes back +4 guesses of a pass$/m);
  expect(stdout).toMatch(/^head's memory +[\d.]+ [kM]B$/m);
});

test('tells what is kept of the models: the profile, and what passes cost here', async () => {
  const env = { XDG_CACHE_HOME: join(folder, 'cache'), XDG_CONFIG_HOME: join(folder, 'config') };
  const facts = async (path: string) => `${path} 1 ${(await stat(path)).mtimeMs}`;
  const [target, draft] = await Promise.all([EMBEDDED_PAIR.model, EMBEDDED_PAIR.draft].map(facts));
  const cache = join(env.XDG_CACHE_HOME, 'mtad', 'costs');
  const costs = new CostFolder(cache);
  const curve = (one: number) => [
    { rows: 1, ms: one },
    { rows: 5, ms: 3 * one },
  ];
  await costs.keep(
    { target: target!, draft: draft!, text_up_to: 1024 },
    { target: curve(9), draft: curve(9) },
  );
  const before = new Date(Date.now() - 60_000);
  for (const file of await readdir(cache)) await utimes(join(cache, file), before, before);
  await costs.keep(
    { target: target!, draft: draft!, backend: 'cpu', threads: 3, text_up_to: 2048 },
    { target: curve(2), draft: curve(0.25) },
  );
  await costs.keep(
    { target: 'other 1 2', draft: draft!, text_up_to: 512 },
    { target: curve(7), draft: curve(7) },
  );
  const own = ownProfile(profilesFolder(env), EMBEDDED_PAIR.model, EMBEDDED_PAIR.draft);
  const profile = await fakeProfile();
  await writeProfile(own, profile);
  const told = async () => (await inspect([], env)).stdout.replaceAll(/\s+/g, ' ');
  expect(await told()).toMatch(
    /The profile \S+ says strategy mtad, beam width 2, draft length auto, threshold 0.3\. Measured here \(cpu, threads 3, texts up to 2048 tokens\): a pass of the target over 1 token takes 2\.00 ms, over 5 6\.00 ms, of the draft model 0\.25 ms\./,
  );
  const found = JSON.parse((await inspect(['--json'], env)).stdout);
  expect(found).toMatchObject({
    profile: {
      path: own,
      settings: { strategy: 'mtad', beam_width: 2, draft_length: 'auto', threshold: 0.3 },
      is_stale: false,
    },
    costs: { backend: 'cpu', threads: 3, text_up_to: 2048, target_ms: { one: 2, five: 6 }, draft_ms: 0.25 },
  });
  const { pair } = profile;
  await writeProfile(own, { ...profile, pair: { ...pair!, target: { ...pair!.target, modified: 1 } } });
  expect(await told()).toMatch(/The profile \S+ is not used, since the models have changed/);
  expect(JSON.parse((await inspect(['--json', EMBEDDED_PAIR.draft], env)).stdout)).toMatchObject({
    profile: null,
    costs: null,
  });
});

test('--json: one object, its keys in snake case, null for what there is not', async () => {
  const { exitCode, stdout } = await inspect(['--json', EMBEDDED_PAIR.draft]);
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({
    schema: 1,
    target: {
      facts: { source: EMBEDDED_PAIR.draft, remote: false, train_context_size: 1024, license: null },
      refusal: null,
      memory: { gpu_layers: expect.any(Number), context: { ram: expect.any(Number) } },
    },
    draft: null,
    pair: null,
    context_size: 1024,
    memory: { fits: true },
    machine: { engine: 'direct', not_direct: null, memory: { gpus: expect.any(Array) } },
    versions: { mtad: expect.any(String), llama_cpp: expect.any(String) },
  });
  expect(stdout.match(/"[a-z_0-9]*[A-Z]\w*":/)).toBeNull();
  expect(exitCode).toBe(0);
});

test('models by options, by the environment and by words, which the environment does not mix with', async () => {
  const { model, draft } = EMBEDDED_PAIR;
  const env = { MTAD_MODEL: model, MTAD_DRAFT: draft };
  const layersOf = async (args: readonly string[], env: Record<string, string> = {}) => {
    const { target, draft } = JSON.parse((await inspect([...args, '--json'], env)).stdout);
    return [target.facts.layers, draft?.facts.layers];
  };
  expect(await layersOf(['-m', draft, '-d', model])).toEqual([2, 6]);
  expect(await layersOf([], env)).toEqual([6, 2]);
  expect(await layersOf([draft], env)).toEqual([2, undefined]);
  expect(await layersOf(['-m', draft, '-d', 'lookup'])).toEqual([2, undefined]);
  expect(await layersOf([draft, 'lookup'])).toEqual([2, undefined]);
});

test('a file that does not run: its facts, the reason, exit code 3', async () => {
  const { exitCode, stdout, stderr } = await inspect([await vocabOnlyModel(folder)]);
  expect(stdout).toMatch(/^vocabulary +384 tokens, SPM$/m);
  expect(stdout.replaceAll('\n', ' ')).toContain('holds no weights, only a vocabulary');
  expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' });
});

test('two models that do not match: their facts, the first difference, exit code 4', async () => {
  const target = await tinyModel(folder, {}, 'target.gguf');
  const draft = await tinyModel(folder, { pieces: { 370: 'other' } }, 'draft.gguf');
  const { exitCode, stdout, stderr } = await inspect([target, draft]);
  expect(stdout).toMatch(/^architecture +llama +llama$/m);
  expect(stdout).toMatch(/^target\.gguf and draft\.gguf do not make a pair: [\s\S]*differ at token 370/m);
  expect((await inspect([target, draft, '--color', 'always'])).stdout).toContain('\x1b[31mtarget.gguf and');
  expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: '' });
});

test('two models that end texts differently: a pair, and a sentence about it', async () => {
  const target = await tinyModel(folder, {}, 'target.gguf');
  const draft = await tinyModel(folder, { eos: 7 }, 'base.gguf');
  const { exitCode, stdout } = await inspect([target, draft]);
  expect(stdout.replaceAll('\n', ' ')).toMatch(
    /They make a pair: .* target\.gguf and base\.gguf end texts with 2 /,
  );
  expect(exitCode).toBe(0);
  expect(JSON.parse((await inspect(['--json', target, draft])).stdout).pair).toMatchObject({
    matches: true,
    notes: [expect.stringContaining("the target's counts")],
  });
});

test('a file without a readable header: one line, exit code 3', async () => {
  const { exitCode, stdout, stderr } = await inspect([await textFile(folder)]);
  expect(stderr).toMatch(/^mtad: [^\n]*is not a GGUF file[^\n]*\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
});

test('a terminal obeys nothing that a file calls itself, and gets no line too wide', async () => {
  const commands = ['\x1b[2J', '\x1b]0;', '\x07', '\u202e'];
  const name = `${commands.join('owned')}${'a long name '.repeat(20)}\n`;
  const model = await tinyModel(folder, { metadata: { 'general.name': { string: name } } }, 'named.gguf');
  const terminal = { isTTY: true, input: '', columns: 60 };
  const { stdout } = await runInProcess(['inspect', model, model, '--color', 'never'], terminal);
  expect(stdout).toContain('owned');
  for (const command of commands) expect(stdout).not.toContain(command);
  const table = stripVTControlCharacters(stdout.slice(stdout.indexOf('architecture')));
  for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
});

test('the heads of a narrow terminal are whole, and nothing of a colour is seen', async () => {
  const { stdout } = await runInProcess(['inspect', '--color', 'on'], {
    isTTY: true,
    input: '',
    columns: 44,
  });
  expect(stdout).toContain('\x1b[1m');
  expect(stripVTControlCharacters(stdout)).toMatch(/ target +draft$/m);
  expect(stripVTControlCharacters(stdout)).not.toMatch(/\[\d+m/);
});

describe('elsewhere', () => {
  let hub: Hub;
  beforeAll(async () => {
    hub = await Hub.open();
    const name = 'bartowski/Meta-Llama-3.1-8B-Instruct-GGUF/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf';
    hub.files.set(name, await readFile(EMBEDDED_PAIR.model));
    hub.files.set(
      'bartowski/Llama-3.2-1B-Instruct-GGUF/Llama-3.2-1B-Instruct-Q4_K_M.gguf',
      await readFile(EMBEDDED_PAIR.draft),
    );
  });
  afterAll(() => hub.close());
  const there = (...args: string[]) => inspect(args, { HF_ENDPOINT: hub.endpoint });

  test('a known pair is inspected without its weights', async () => {
    const { exitCode, stdout, stderr } = await there('--pair', 'llama-3.1-8b');
    expect(stdout).toMatch(/^file +hf:bartowski/m);
    expect(stdout).toContain('They make a pair');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const target = hub.fetched.filter(({ path }) => path.includes('8B'));
    expect(target.reduce((sum, { sent }) => sum + sent, 0)).toBeLessThan(5_000_000); // of 11 MB
  });

  test('what a server says of its limits is told, also off a terminal', async () => {
    hub.mood.limits = 1;
    const { exitCode, stderr } = await there('--pair', 'llama-3.1-8b');
    expect(stderr).toMatch(
      /^mtad: 127\.0\.0\.1:\d+ limits how often it may be asked; trying again in 1 s\n$/,
    );
    expect(exitCode).toBe(0);
  });

  test.each([
    { args: ['--pair', 'llama-3.1-8b', '--offline'], why: /--offline forbids/ },
    { args: ['hf:nobody/nothing-GGUF:Q8_0'], why: /no file of quantisation Q8_0/ },
  ])('what cannot be read: one line, exit code 3 ($why)', async ({ args, why }) => {
    const { exitCode, stdout, stderr } = await there(...args);
    expect(stderr).toMatch(why);
    expect(stderr).toMatch(/^mtad: [^\n]*\n$/);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
  });
});

test.each([
  [['--pair', 'llama-3.1'], /did you mean llama-3\.1-8b\?/],
  [['--pair', 'llama-3.1-8b', 'a.gguf'], /--pair names a model a second time/],
  [['a.gguf', '-m', 'b.gguf'], /--model names a model a second time/],
  [['--pair', 'llama-3.1-8b', '-d', 'b.gguf'], /stands for both models/],
  [['-d', 'b.gguf'], /no target model/],
  [['a.gguf', 'b.gguf', 'c.gguf'], /too many arguments/],
  [['-c', '1'], /2 or more/],
])('%j is refused with exit code 2', async (args, why) => {
  const { exitCode, stdout, stderr } = await inspect(args);
  expect(stderr).toMatch(why);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test('help is help', async () => {
  const help = await runInProcess(['inspect', '--help']);
  for (const text of ['Models:', '--pair <name>', 'Examples:', 'Exit codes:'])
    expect(help.stdout).toContain(text);
  expect((await runInProcess(['inspect', 'help'])).stdout).toBe(help.stdout);
  expect((await runInProcess(['help', 'inspect'])).stdout).toBe(help.stdout);
});
