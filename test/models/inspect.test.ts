import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ModelFileError, UsageError } from '../../src/errors.js';
import { type InspectOptions, inspect } from '../../src/models/inspect.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { ForwardProxy } from '../support/forward-proxy.js';
import {
  embeddingModel,
  firstPart,
  splitModel,
  tinyModel,
  truncatedModel,
  vocabOnlyModel,
} from '../support/gguf-files.js';
import { attentionWithChain, CHAIN } from '../support/head-models.js';
import { Hub, type Mood } from '../support/hub.js';
import { HYBRID } from '../support/hybrid.js';
import { hybridModel, recurrentModel, slidingWindowModel } from '../support/other-architectures.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-inspect-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const run = (options: Partial<InspectOptions> = {}) =>
  inspect({ draftLength: 4, beamWidth: 4, gpu: 'off', modelsDir: dir, ...options });

describe('inspect', () => {
  it('tells the facts of the embedded pair when no model is given, and that it is a pair', async () => {
    const { target, draft, pair, machine } = await run();
    expect(target.facts).toMatchObject({
      remote: false,
      bytes: (await stat(EMBEDDED_PAIR.model)).size,
      architecture: 'llama',
      parameters: 5_639_424,
      quantization: 'F16',
      trainContextSize: 1024,
      layers: 6,
      vocabularySize: 2048,
      vocabularyKind: 'SPM',
      bos: { id: 1, text: '<s>' },
      eos: { id: 2, text: '</s>' },
      chatTemplate: undefined,
    });
    expect(draft!.facts.layers).toBe(2);
    expect([target.refusal, draft!.refusal]).toEqual([undefined, undefined]);
    expect(pair).toEqual({ sharedTokens: 2048, difference: undefined, notes: [] });
    expect(machine).toMatchObject({ engine: 'direct', notDirect: undefined, backend: 'cpu' });
  });

  it('reckons more memory for more context, wider beams and finer cache types, and sums it up', async () => {
    const contextOf = async (options: Partial<InspectOptions>) => {
      const { target, draft, memory } = await run(options);
      const needs = [target, draft!].flatMap((one) => [one.memory!.weights.ram, one.memory!.context.ram]);
      expect(memory).toEqual({ ram: needs.reduce((a, b) => a + b), vram: 0, fits: true });
      return [target, draft!].map((one) => one.memory!.context.ram) as [number, number];
    };
    const [target, draft] = await contextOf({});
    expect(target).toBeGreaterThan(2 * 6 * 256 * 2 * 1024); // keys and values, layers, width, F16, tokens
    expect((await contextOf({ contextSize: 2048 }))[0]).toBeGreaterThan(1.5 * target);
    expect((await contextOf({ cacheType: 'q8_0' }))[0]).toBeLessThan(0.7 * target);
    expect((await contextOf({ cacheType: 'f32' }))[0]).toBeGreaterThan(1.7 * target);
    const [sameTarget, wider] = await contextOf({ beamWidth: 64, draftLength: 16 });
    expect(sameTarget).toBe(target);
    expect(wider).toBeGreaterThan(draft);
  });

  it('tells how far each kind of model takes back, and how many states it keeps for that', async () => {
    const statesOf = async (model: string, draft?: string) => {
      const { target, draft: drafter } = await run({ model, draft });
      return [target, drafter].map((one) => one?.memory?.states);
    };
    expect(await statesOf(EMBEDDED_PAIR.model, HYBRID)).toMatchObject([undefined, { count: 6, rollback: 0 }]);
    expect(await statesOf(HYBRID)).toMatchObject([{ count: 10, rollback: 4 }, undefined]);
    expect(await statesOf(await recurrentModel(dir))).toMatchObject([{ count: 2, rollback: 0 }, undefined]);
  });

  it('reckons the memory of a drafting head where that drafts', async () => {
    const alone = await run({ model: HYBRID });
    expect(alone.target.headMemory!.ram).toBeGreaterThan(0);
    expect(alone.memory!.ram).toBe(
      alone.target.memory!.weights.ram + alone.target.memory!.context.ram + alone.target.headMemory!.ram,
    );
    expect((await run({ model: HYBRID, draft: EMBEDDED_PAIR.draft })).target.headMemory).toBeUndefined();
    const chain = await run({ model: await attentionWithChain(dir) });
    expect(chain.target.facts.head).toEqual({ layers: CHAIN, problem: undefined });
    expect(chain.target.headMemory!.ram).toBeGreaterThan(chain.target.memory!.context.ram); // three times three of four layers
  });

  it('says when there is less memory than that', async () => {
    expect((await run({ contextSize: 2 ** 30 })).memory!.fits).toBe(false);
  });

  it('reckons with the trained context, up to 8192 tokens', async () => {
    for (const [context, expected] of [
      [77, 77],
      [100_000, 8192],
    ] as const) {
      const model = await tinyModel(dir, { context }, `context-${context}.gguf`);
      expect((await run({ model })).contextSize).toBe(expected);
    }
  });

  it.each([
    [
      '{% for m in messages %}{{ m.content }}{% endfor %}',
      { problem: undefined, takesSystem: true, reasons: 'no' },
    ],
    ['{{ messages[-1].content }}<think>{# </think> #}', { takesSystem: false, reasons: 'always' }],
    ['{{ messages[-1].content }}{% if enable_thinking %}<think>{% endif %}', { reasons: 'switch' }],
    [
      '{{ messages',
      { problem: expect.stringMatching(/^the chat template of chat\.gguf cannot be rendered: /) },
    ],
    [
      '{% for i in range(1000000) %}{% for j in range(1000000) %}{% endfor %}{% endfor %}',
      { problem: expect.stringContaining('does not come to an end') },
    ],
  ])('tries the chat template %s', async (template, facts) => {
    const metadata = { 'tokenizer.chat_template': { string: template } };
    const model = await tinyModel(dir, { metadata }, 'chat.gguf');
    const inspection = await run({ model });
    expect(inspection.target.facts.chatTemplate).toMatchObject(facts);
    expect(inspection.target.refusal).toBeUndefined(); // a prompt can be given as it is
  });

  it('tells the first difference of two models that do not make a pair', async () => {
    const model = await tinyModel(dir, {}, 'target.gguf');
    const draft = await tinyModel(dir, { pieces: { 370: 'other' } }, 'draft.gguf');
    const { target, pair } = await run({ model, draft });
    expect(target.refusal).toBeUndefined();
    expect(pair).toEqual({
      sharedTokens: 0,
      difference: expect.stringMatching(/differ at token 370: .*"other"/),
      notes: [],
    });
  });

  it('tells what of two models differs and changes no text', async () => {
    const model = await tinyModel(dir, {}, 'target.gguf');
    const draft = await tinyModel(dir, { eos: 7 }, 'base.gguf');
    const notes = [expect.stringMatching(/^target\.gguf and base\.gguf end texts with 2 "<\/s>" \/ 7 /)];
    expect((await run({ model, draft })).pair).toEqual({ sharedTokens: 384, difference: undefined, notes });
  });

  it.each([
    { kind: 'a recurrent model', make: recurrentModel, facts: { recurrent: true }, states: false },
    { kind: 'a hybrid model', make: hybridModel, facts: { hybrid: true }, states: true },
  ])('tells the facts of $kind, and counts its states', async ({ make, facts, states }) => {
    const model = await make(dir);
    const [one, four] = await Promise.all([1, 4].map((draftLength) => run({ model, draftLength })));
    expect(one!.target.facts).toMatchObject(facts);
    expect(one!.target.refusal).toBeUndefined();
    expect(four!.memory!.ram - one!.memory!.ram > 0).toBe(states); // of the tokens to take back
  });

  it.each([
    { kind: 'an embedding model', make: embeddingModel, facts: { architecture: 'bert' }, why: /embedding/ },
    { kind: 'a vocabulary', make: vocabOnlyModel, facts: { vocabularySize: 384 }, why: /no weights/ },
    {
      kind: 'half a file',
      make: (dir: string) => truncatedModel(dir, EMBEDDED_PAIR.model),
      facts: { layers: 6 },
      why: /cut off/,
    },
    {
      kind: 'a file without its last bytes',
      make: (dir: string) =>
        firstPart(EMBEDDED_PAIR.model, join(dir, 'short.gguf'), (length) => length - 100),
      facts: { layers: 6 },
      why: /cut off: it has 11334300 bytes and its header tells of at least 11334400;/,
    },
    {
      kind: 'an architecture of the future',
      make: (dir: string) =>
        tinyModel(dir, { metadata: { 'general.architecture': { string: 'llama9' } } }, 'future.gguf'),
      facts: { architecture: 'llama9' },
      why: /.*/,
    },
  ])('tells the facts of $kind, and why it does not run', async ({ make, facts, why }) => {
    const { target, draft, pair, memory } = await run({
      model: await make(dir),
      draft: EMBEDDED_PAIR.draft,
    });
    expect(target.facts).toMatchObject(facts);
    expect(target.refusal).toMatch(why);
    expect([target.memory, pair, memory]).toEqual([undefined, undefined, undefined]);
    expect(draft!.refusal).toBeUndefined();
  });

  it('adds the parts of a split model up', async () => {
    const parts = await splitModel(dir, { context: 99 });
    const sizes = await Promise.all(parts.map(async (part) => (await stat(part)).size));
    expect((await run({ model: parts[0]! })).target.facts).toMatchObject({
      parts: 2,
      bytes: sizes[0]! + sizes[1]!,
      trainContextSize: 99,
    });
  });

  it('tells how far a sliding window sees', async () => {
    const model = await slidingWindowModel(dir, { window: 8 });
    expect((await run({ model })).target).toMatchObject({ facts: { slidingWindow: 8 }, refusal: undefined });
  });

  it('refuses a file that ends after its first word', async () => {
    const model = join(dir, 'word.gguf');
    await writeFile(model, 'GGUF');
    await expect(run({ model })).rejects.toThrow(ModelFileError);
    await expect(run({ model })).rejects.toThrow(
      /ends at byte 4, within its header: it is damaged or cut off/,
    );
  });

  it('refuses weights in a format that nobody knows', async () => {
    const bytes = await readFile(await tinyModel(dir));
    const norm = bytes.indexOf('output_norm.weight') + 'output_norm.weight'.length;
    bytes.writeUInt32LE(99, norm + 4 + 8); // behind the number of dimensions, and the one
    const model = join(dir, 'format.gguf');
    await writeFile(model, bytes);
    await expect(run({ model })).rejects.toThrow(ModelFileError);
    await expect(run({ model })).rejects.toThrow(/how long the weights of .*format\.gguf are/);
  });

  it('refuses a draft model without a target', async () => {
    await expect(run({ draft: EMBEDDED_PAIR.draft })).rejects.toThrow(UsageError);
  });
});

describe('inspect of files elsewhere', () => {
  const REPO = 'makers/stories-GGUF';
  const ADDRESS = `hf:${REPO}:F16`;
  let hub: Hub;
  beforeAll(async () => {
    hub = await Hub.open();
    hub.files.set(`${REPO}/stories-F16.gguf`, await readFile(EMBEDDED_PAIR.model));
    hub.files.set('makers/text/text.gguf', await readFile('package.json'));
    hub.files.set('makers/half/half.gguf', (await readFile(EMBEDDED_PAIR.model)).subarray(0, 6_000_000));
    vi.stubEnv('HF_ENDPOINT', hub.endpoint);
    vi.stubEnv('HF_HOME', dir);
    vi.stubEnv('HF_TOKEN', undefined);
  });
  afterEach(() => hub.reset());
  afterAll(async () => {
    vi.unstubAllEnvs();
    await hub.close();
  });
  const sent = () => hub.log.reduce((sum, exchange) => sum + exchange.sent, 0);

  it.each([
    { kind: 'hf: address', address: () => ADDRESS },
    { kind: 'URL', address: () => `${hub.cdn}/${REPO}/stories-F16.gguf` },
  ])('reads the header of an $kind, tells the same of it, and fetches no more', async ({ address }) => {
    const here = await run();
    const there = await run({ model: address(), draft: EMBEDDED_PAIR.draft });
    expect(there.target.facts).toEqual({ ...here.target.facts, source: address(), remote: true });
    expect(there.target.memory).toEqual(here.target.memory);
    expect(there.pair).toEqual(here.pair);
    expect(sent()).toBeGreaterThan(0);
    expect(sent()).toBeLessThan(0.4 * here.target.facts.bytes!); // the reader asks for 4 MiB beyond what it needs
  });

  it('reads the downloaded file, where there is one, and asks nobody', async () => {
    const modelsDir = join(dir, 'models');
    await mkdir(join(modelsDir, 'hf', REPO), { recursive: true });
    await symlink(EMBEDDED_PAIR.model, join(modelsDir, 'hf', REPO, 'stories-F16.gguf'));
    const { target } = await run({ model: ADDRESS, modelsDir, offline: true });
    expect(target.facts).toMatchObject({ remote: false, layers: 6 });
    expect(hub.log).toEqual([]);
  });

  it('takes the token to a gated model, and nowhere else', async () => {
    hub.mood = { token: 'secret' };
    vi.stubEnv('HF_TOKEN', 'secret');
    expect((await run({ model: ADDRESS })).target.facts.layers).toBe(6);
    expect(hub.fetched.map(({ authorization }) => authorization)).not.toContain('Bearer secret');
    vi.stubEnv('HF_TOKEN', undefined);
  });

  it.each<{ why: RegExp; address?: string; mood?: Mood }>([
    { why: /gated or private \(401\)/, mood: { token: 'secret' } },
    { why: /no file of quantisation Q8_0/, address: `hf:${REPO}:Q8_0` },
    { why: /no such file/, address: `hf:${REPO}/none.gguf` },
    { why: /is not a GGUF file: it begins with "\{/, address: 'hf:makers/text' },
    { why: /sends files as a whole/, mood: { ranges: false } },
    { why: /Cannot reach 127/, mood: { gone: true } },
    {
      why: /does not give hf:\S+: access is refused|it is gated or private \(403\)/,
      mood: { cdnStatus: 403 },
    },
    { why: /there is no file of quantisation F16/, mood: { cdnStatus: 404 } },
    { why: /too many requests \(429\)/, mood: { cdnStatus: 429 } },
    { why: /the server has trouble \(503\)/, mood: { cdnStatus: 503 } },
    { why: /Cannot reach 127\.0\.0\.1:9/, address: 'http://127.0.0.1:9/model.gguf' },
  ])('refuses in one line: $why', async ({ why, address = ADDRESS, mood = {} }) => {
    hub.mood = mood;
    const error = await run({ model: address }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ModelFileError);
    expect((error as Error).message).toMatch(why);
    expect((error as Error).message).not.toContain('\n');
    expect(sent()).toBeLessThan(6_000_000); // half the file: what is on its way when the connection is closed
  });

  it('goes through the proxy of the environment, and leaves the fetch of others as it was', async () => {
    const proxy = await ForwardProxy.open();
    vi.stubEnv('HTTP_PROXY', proxy.url);
    const { fetch } = globalThis;
    const model = `${hub.cdn.replace('127.0.0.1', 'model.invalid')}/${REPO}/stories-F16.gguf`; // known to the proxy alone
    expect((await run({ model })).target.facts.layers).toBe(6);
    expect(globalThis.fetch).toBe(fetch);
    vi.stubEnv('HTTP_PROXY', undefined);
    proxy.close();
  });

  it('tells of a file that is cut off on its server', async () => {
    expect((await run({ model: 'hf:makers/half' })).target.refusal).toMatch(/^hf:makers\/half is cut off/);
  });

  it('asks no server with --offline', async () => {
    await expect(run({ model: ADDRESS, offline: true })).rejects.toThrow(ModelFileError);
    expect(hub.log).toEqual([]);
  });

  it('ends when it is interrupted', async () => {
    const refused = run({ model: ADDRESS, signal: AbortSignal.abort() });
    await expect(refused).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });
});
