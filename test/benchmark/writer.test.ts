import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Entry, expand } from '../../src/benchmark/contenders.js';
import type { Generation, PassSizes } from '../../src/benchmark/report.js';
import { peerWriter, strategyWriter, type Task, type Writing } from '../../src/benchmark/writer.js';
import type { Meter } from '../../src/energy/meter.js';
import { PEER_NAMES, type PeerRequest, Peers, type PeerText } from '../../src/engine/llama/peers.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import { CostMemory } from '../../src/tuning/cost-store.js';
import type { LearnedStore } from '../../src/tuning/learned-store.js';
import { PROMPT, run, watchContexts } from '../generation/generate-run.js';
import { ENGINES } from '../support/representatives.js';

const LONG = 'Once upon a time, there was a little girl named Lily. She loved to play outside. '.repeat(20);

const [AUTOREGRESSIVE, MTAD] = expand({
  strategies: ['autoregressive', 'mtad'],
  draftLength: [4],
  beamWidth: [4],
  threshold: [0.1],
  clip: [false],
  drafts: [{ draftFrom: 'model', draftTail: 'none' }],
  baselines: false,
}) as [Entry, Entry];

/** A meter that counts how often it was read. */
function fakeMeter(): Meter {
  let joules = 0;
  return {
    source: 'fake',
    reason: null,
    read: async () => ({ run: 0, joules: joules++ }),
    dispose: () => undefined,
  };
}

const writing = (rest: Partial<Writing> = {}): Writing => ({
  settings: { temperature: 1, topK: 10, topP: 0.9, ignoreEos: false, special: false },
  template: {},
  run: { threads: 1, signal: new AbortController().signal },
  meter: fakeMeter(),
  ...rest,
});

const passes = (sizes: PassSizes['target']) => sizes.reduce((sum, [, count]) => sum + count, 0);

describe.each(ENGINES)('a strategy on the %s engine', (engine) => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await loadPair({ gpu: 'off', engine });
  });
  afterAll(() => pair.dispose());

  const write = (entry: Entry, task: Partial<Task> = {}, rest: Partial<Writing> = {}, text = PROMPT) => {
    const prompt = { request: text, tokens: pair.target.tokenizer.encode(text) };
    return strategyWriter(pair, entry, writing(rest)).write({
      prompt,
      maxTokens: 30,
      contextSize: 1024,
      seed: 3,
      ...task,
    });
  };

  it.each(STRATEGY_NAMES)(
    'writes as %s what it always writes, and tells of all its passes',
    async (strategy) => {
      const written = await write({ role: 'strategy', strategy, settings: { draftLength: 4 } });
      const expected = await run(pair, { strategy, seed: 3, maxTokens: 30 });
      const { counters } = expected;
      expect(written.tokens).toEqual(expected.tokens);
      expect(written.finishReason).toBe(expected.finishReason);
      const { ms: _ms, rawLogProbSum: _raw, emitted: _emitted, ...counted } = counters;
      expect(written.speculation).toEqual(counted);
      expect(passes(written.passes!.target)).toBe(counters.targetPasses);
      expect(passes(written.passes!.draft)).toBe(counters.draftPasses);
    },
  );

  it('knows the sizes of its passes, those of the prompt left out', async () => {
    for (const text of [PROMPT, LONG]) {
      const plain = await write(AUTOREGRESSIVE, {}, {}, text);
      expect(plain.passes).toEqual({ target: [[1, plain.tokens.length]], draft: [] });
      const { passes: sizes, tokens } = await write(MTAD, {}, {}, text);
      expect(Math.max(...sizes!.target.map(([size]) => size))).toBe(5); // the last token and gamma more
      expect(passes(sizes!.target)).toBeLessThan(tokens.length);
      expect(passes(sizes!.draft)).toBeGreaterThan(0);
    }
  });

  it('tells times that add up', async () => {
    const { ms } = await write(MTAD);
    expect(ms.decode).toBe(ms.draft! + ms.verify! + ms.own!);
    for (const part of [ms.prefill, ms.draft!, ms.verify!, ms.own!]) expect(part).toBeGreaterThan(0);
    expect(ms.firstToken).toBeGreaterThan(ms.prefill);
    expect(ms.firstToken).toBeLessThan(ms.prefill + ms.decode);
  });

  it('reads the meter where the loop begins and where it ends', async () => {
    for (const text of [PROMPT, LONG]) expect((await write(MTAD, {}, {}, text)).joules).toBe(1); // read later
  });

  it('goes by its own settings, and by those of all others where it has none', async () => {
    const settings = { ...writing().settings, temperature: 2, topK: 3, topP: 1 };
    const greedy: Entry = {
      role: 'baseline',
      strategy: 'block',
      settings: { temperature: 0 },
    };
    const expected = await run(pair, {
      ...settings,
      ...greedy.settings,
      strategy: greedy.strategy,
      seed: 3,
      maxTokens: 30,
    });
    expect((await write(greedy, {}, { settings })).tokens).toEqual(expected.tokens);
    const warm = await run(pair, { ...settings, strategy: 'autoregressive', seed: 4, maxTokens: 20 });
    expect((await write(AUTOREGRESSIVE, { seed: 4, maxTokens: 20 }, { settings })).tokens).toEqual(
      warm.tokens,
    );
  });

  it('ends where the context does', async () => {
    const contextSize = pair.target.tokenizer.encode(PROMPT).length + 7;
    const { tokens, finishReason } = await write(MTAD, { contextSize });
    expect({ length: tokens.length, finishReason }).toEqual({ length: 7, finishReason: 'context' });
  });

  it('learns of the draft from its own texts alone, not from other contenders or from runs before', async () => {
    const [adaptive] = expand({
      strategies: ['mtad'],
      draftLength: ['auto'],
      threshold: [0.1],
      baselines: false,
    });
    const target = [1, 5, 9, 17].map((rows, i) => ({ rows, ms: [10, 30, 34, 40][i]! }));
    const costs = new CostMemory();
    costs.find = async () => ({ target, draft: [{ rows: 1, ms: 0.1 }] });
    const learned: LearnedStore = {
      find: () => Promise.reject(new Error('read')),
      keep: () => Promise.reject(new Error('written')),
    };
    const { signal } = writing().run;
    const open = () =>
      strategyWriter(pair, adaptive!, writing({ run: { threads: 1, signal, costs, learned } }));
    const prompt = { request: PROMPT, tokens: pair.target.tokenizer.encode(PROMPT) };
    const task = { prompt, maxTokens: 40, contextSize: 1024, seed: 3 };
    const [one, other] = [open(), open()];
    const first = await one.write(task);
    expect((await one.write(task)).speculation).not.toEqual(first.speculation);
    expect((await other.write(task)).speculation).toEqual(first.speculation);
  });

  it('says that it was interrupted', async () => {
    const run = { threads: 1, signal: AbortSignal.abort() };
    expect(await write(MTAD, {}, { run })).toMatchObject({ tokens: [], finishReason: 'interrupted' });
  });

  it('leaves no context open', async () => {
    const watched = watchContexts(pair);
    const { contender, write } = strategyWriter(watched.pair, MTAD, writing());
    expect(contender).toMatchObject({ ...MTAD, name: 'mtad k=4 w=4 tau=0.1', engine });
    const prompt = { request: PROMPT, tokens: pair.target.tokenizer.encode(PROMPT) };
    await write({ prompt, maxTokens: 5, contextSize: 1024, seed: 1 });
    await expect(write({ prompt, maxTokens: 5, contextSize: 2, seed: 1 })).rejects.toThrow('context');
    expect(watched.opened.length).toBeGreaterThan(0);
    expect(watched.open.size).toBe(0);
  });
});

describe.each(PEER_NAMES)('%s as a writer', (name) => {
  it('tells what can be told from outside', async () => {
    const { model: target, draft } = EMBEDDED_PAIR;
    const peers = await Peers.load({ target, draft, gpu: 'off', threads: 1, now: () => performance.now() });
    const pair = await loadPair({ gpu: 'off' });
    try {
      const settings = { ...writing().settings, temperature: 0 };
      const { contender, write } = peerWriter(peers, name, writing({ settings }));
      expect(contender).toMatchObject({ name, role: 'peer', engine: 'node-llama-cpp', strategy: null });
      const prompt = { request: PROMPT, tokens: pair.target.tokenizer.encode(PROMPT) };
      const written = await write({ prompt, maxTokens: 30, contextSize: 1024, seed: 3 });
      const expected = await run(pair, { strategy: 'autoregressive', temperature: 0, maxTokens: 30 });
      const nothing = { passes: null, speculation: null } satisfies Partial<Generation>;
      expect(written).toMatchObject({
        ...nothing,
        tokens: expected.tokens,
        finishReason: expected.finishReason,
        ms: { draft: null, verify: null, own: null },
        joules: 1, // the meter was read where the loop began, and where it ended
      });
      const { prefill, firstToken, decode } = written.ms;
      expect(prefill).toBeGreaterThan(0);
      expect(firstToken).toBeGreaterThan(prefill);
      expect(firstToken).toBeLessThan(prefill + decode);
    } finally {
      await pair.dispose();
      await peers.dispose();
    }
  });
});

describe('the energy of a peer', () => {
  it('is that of its loop, without what opens and frees its contexts', async () => {
    let joules = 0;
    const meter: Meter = { ...fakeMeter(), read: async () => ({ run: 0, joules }) };
    const peers = {
      async write({ onDecode, onDecoded }: PeerRequest): Promise<PeerText> {
        joules += 100;
        await onDecode();
        joules += 3;
        await onDecoded();
        joules += 1000;
        return { tokens: [1], text: 'a', finishReason: 'length', prefillMs: 1, firstTokenMs: 2, decodeMs: 1 };
      },
    } as unknown as Peers;
    const { write } = peerWriter(peers, 'evaluate()', writing({ meter }));
    const prompt = { request: PROMPT, tokens: [1, 2] };
    expect(await write({ prompt, maxTokens: 1, contextSize: 9, seed: 1 })).toMatchObject({ joules: 3 });
  });
});
