import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchmarkEvent, benchmark } from '../../src/benchmark/benchmark.js';
import { expand } from '../../src/benchmark/contenders.js';
import type { BenchmarkOptions } from '../../src/benchmark/options.js';
import { csv } from '../../src/benchmark/out/csv.js';
import { json, parseReport } from '../../src/benchmark/out/json.js';
import { markdown } from '../../src/benchmark/out/markdown.js';
import type { BenchmarkReport } from '../../src/benchmark/report.js';
import { UsageError } from '../../src/errors.js';
import type { StrategyName } from '../../src/strategies/index.js';
import { chatPair } from '../support/chat-models.js';
import { firstOf, tries } from '../support/tries.js';

const PROMPTS = [
  { id: '1', text: 'Once upon a time' },
  { id: '2', text: 'The cat sat' },
];

const entriesOf = (...strategies: StrategyName[]) =>
  expand({
    strategies,
    draftLength: [4],
    beamWidth: [2],
    threshold: [0.1],
    clip: [false],
    drafts: [{ draftFrom: 'model', draftTail: 'none' }],
    baselines: false,
  });

const optionsOf = (rest: Partial<BenchmarkOptions> = {}): BenchmarkOptions => ({
  entries: entriesOf('autoregressive', 'mtad'),
  peers: false,
  engines: ['auto'],
  promptSource: 'two',
  prompts: PROMPTS,
  raw: false,
  template: {},
  pair: { gpu: 'off' },
  run: { threads: 1 },
  settings: { temperature: 1, topK: 10, topP: 0.9, ignoreEos: true, special: false, maxTokens: 16 },
  repetitions: 1,
  seed: 5,
  perplexity: true,
  signal: new AbortController().signal,
  ...rest,
});

/** Runs to the end, or to the failure. */
async function runIt(
  rest: Partial<BenchmarkOptions> = {},
  watch: (event: BenchmarkEvent) => void = () => {},
) {
  const events: BenchmarkEvent[] = [];
  let failure: unknown;
  try {
    for await (const event of benchmark(optionsOf(rest))) {
      events.push(event);
      watch(event);
    }
  } catch (error) {
    failure = error;
  }
  const last = events.at(-1);
  return { events, failure, report: last?.type === 'end' ? last.report : undefined };
}

const named = ({ contenders }: BenchmarkReport) =>
  contenders.map(({ name, engine }) => `${name} (${engine})`);

describe('a benchmark', () => {
  it('tells what is to come, warms up, gives every text and then the report of them', async () => {
    const { events, report, failure } = await runIt({ repetitions: 2 });
    expect(failure).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual([
      'start',
      ...Array(2).fill('warm-up'),
      ...Array(8).fill('generation'),
      'end',
    ]);
    expect(events[0]).toMatchObject({ total: 8, conditions: report!.conditions });
    expect(report!.generations).toEqual(
      events.flatMap((event) => (event.type === 'generation' ? [event.generation] : [])),
    );
  });

  it('is reported in full', async () => {
    const { report } = await runIt();
    expect(report).toMatchObject({
      schema: 2,
      complete: true,
      machine: { backend: 'cpu' },
      models: {
        target: { file: 'stories-target-f16.gguf', architecture: 'llama' },
        draft: { file: 'stories-draft-f16.gguf' },
      },
      conditions: {
        prompts: 'two',
        used: 2,
        skipped: [],
        repetitions: 1,
        maxTokens: 16,
        ignoreEos: true,
        temperature: 1,
        topK: 10,
        topP: 0.9,
        seed: 5,
        threads: 1,
      },
    });
    expect(new Date(report!.started).toISOString()).toBe(report!.started);
    expect(report!.seconds).toBeGreaterThan(0);
    expect(report!.recommendation).toMatch(/^(Use|No recommendation)/);
    for (const [i, one] of report!.contenders.entries()) {
      expect(one).toMatchObject({ generations: 2, tokens: 32, role: 'strategy' });
      expect(one.name).toBe(['autoregressive', 'mtad k=4 w=2 tau=0.1'][i]);
      expect(one.tokensPerSecond!.value).toBeGreaterThan(0);
      expect(one.perplexity!.value).toBeGreaterThan(1);
      expect(one.achievedOfPossible).toBeGreaterThan(0);
    }
    const [plain, mtad] = report!.contenders;
    expect(plain).toMatchObject({ blockEfficiency: 1, targetPasses: 32, speedUp: { autoregressive: null } });
    expect(mtad!.blockEfficiency).toBeGreaterThan(1);
    expect(mtad!.speedUp.autoregressive!.value).toBeGreaterThan(0);
    const sizes = report!.passes.map(({ model, tokens }) => `${model} ${tokens}`);
    expect(sizes).toEqual(expect.arrayContaining(['target 1', 'target 5', 'draft 1']));
  });

  it('can be written in every format, with no figure that is none', async () => {
    const { report } = await runIt({ engines: ['direct', 'bindings'], entries: entriesOf('autoregressive') });
    expect(JSON.parse(JSON.stringify(report))).toStrictEqual(report);
    expect(report).toMatchObject(parseReport(json(report!), 'now.json'));
    expect(csv(report!).trimEnd().split('\n')).toHaveLength(1 + 2);
    expect(markdown(report!)).toContain('| autoregressive | bindings |');
  });

  it('writes the same again for the same seed', async () => {
    const [a, b, c] = [await runIt(), await runIt(), await runIt({ seed: 6 })];
    const texts = ({ report }: typeof a) => report!.generations.map(({ tokens }) => tokens);
    expect(texts(b!)).toEqual(texts(a!));
    expect(texts(c!)).not.toEqual(texts(a!));
  });

  it('runs on every engine, and on each but once', async () => {
    const entries = entriesOf('autoregressive');
    const { report, events } = await runIt({ entries, engines: ['auto', 'direct', 'bindings'] });
    expect(named(report!)).toEqual(['autoregressive (direct)', 'autoregressive (bindings)']);
    expect(events[0]).toMatchObject({ total: 4 });
    expect(new Set(report!.passes.map(({ engine }) => engine))).toEqual(new Set(['direct', 'bindings']));
    const places = report!.passes.map(({ engine, model, tokens }) => `${engine} ${model} ${tokens}`);
    expect(new Set(places).size).toBe(places.length);
  });

  it('has the peers beside it, also where nothing else needs the draft model', async () => {
    const both = [['autoregressive'], ['autoregressive', 'mtad']] as const;
    for (const strategies of firstOf(1, both)) {
      const { report } = await runIt({ entries: entriesOf(...strategies), peers: true });
      expect(report!.complete).toBe(true);
      expect(named(report!).slice(strategies.length)).toEqual([
        'evaluate() (node-llama-cpp)',
        'DraftSequenceTokenPredictor (node-llama-cpp)',
      ]);
      for (const { role, tokens, perplexity, speedUp } of report!.contenders.slice(strategies.length)) {
        expect({ role, tokens }).toEqual({ role: 'peer', tokens: 32 });
        expect(perplexity!.value).toBeGreaterThan(1);
        expect(speedUp.autoregressive!.value).toBeGreaterThan(0);
      }
    }
  });

  it('does without a draft model where nobody needs one', async () => {
    const { report } = await runIt({ entries: entriesOf('autoregressive'), perplexity: false });
    expect(report!.models.draft).toBeNull();
    expect(report!.contenders[0]!.perplexity).toBeNull();
    expect(report!.passes.every(({ model }) => model === 'target')).toBe(true);
  });
});

describe('a benchmark that ends early', () => {
  it.each([
    { count: 0, each: [0, 0] },
    { count: 1, each: [1, 0] },
    { count: 3, each: [1, 2] }, // the second one begins the second round
  ])('where it is interrupted after $count texts, has those in its report', async ({ count, each }) => {
    const controller = new AbortController();
    let seen = 0;
    const { report, failure } = await runIt({ signal: controller.signal, repetitions: 2 }, ({ type }) => {
      if (type === 'generation') seen++;
      if (seen === count && type !== 'start') controller.abort();
    });
    expect(failure).toBeUndefined();
    expect(report).toMatchObject({ complete: false, generations: { length: count } });
    expect(report!.contenders.map(({ generations }) => generations)).toEqual(each);
    expect(JSON.parse(JSON.stringify(report))).toStrictEqual(report);
    expect(markdown(report!)).toContain('INCOMPLETE');
  });

  it('where something fails, gives the report of what was finished, and then the failure', async () => {
    const prompts = [...PROMPTS, { id: 'bad', text: '' }];
    const { events, report, failure } = await runIt({ prompts });
    expect(report).toMatchObject({ complete: false, generations: { length: 4 } });
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure).toMatchObject({ message: 'The prompt is empty' });
    expect(events.filter(({ type }) => type === 'end')).toHaveLength(1);
  });

  it('where its models are not found, has no report', async () => {
    const { events, failure } = await runIt({ pair: { gpu: 'off', model: 'missing.gguf', draft: 'x.gguf' } });
    expect(events).toEqual([]);
    expect(failure).toMatchObject({ message: expect.stringContaining('missing.gguf') });
  });

  it('frees what it has opened, also where it is left', async () => {
    const leave = async () => {
      for await (const { type } of benchmark(optionsOf())) if (type === 'generation') break;
    };
    for (let i = 0; i < 3; i++) await leave(); // what is kept for good is there now
    const before = process.memoryUsage().rss;
    for (let i = 0; i < tries(6, 10); i++) await leave();
    expect(process.memoryUsage().rss - before).toBeLessThan(tries(72, 120) * 2 ** 20); // one has 25 MiB
  });
});

describe('prompts that are too long', () => {
  const long = { id: 'long', text: 'The cat sat on the mat. '.repeat(10) };
  const run = { threads: 1, contextSize: 40 };

  it('are left out, and counted', async () => {
    const { report, events } = await runIt({ prompts: [long, ...PROMPTS], run });
    expect(report!.complete).toBe(true);
    expect(report!.conditions).toMatchObject({ used: 2, skipped: [{ id: 'long' }] });
    expect(report!.conditions.skipped[0]!.reason).toMatch(/^\d+ tokens, and the context holds 40$/);
    expect(events[0]).toMatchObject({ total: 4, conditions: { used: 2 } });
    expect(report!.generations.map(({ prompt }) => prompt)).not.toContain('long');
  });

  it('are those that leave no room for a token', async () => {
    const entries = entriesOf('autoregressive');
    const { report } = await runIt({ entries });
    const [first, second] = report!.generations.map(({ promptTokens }) => promptTokens) as [number, number];
    expect(first).not.toBe(second);
    const contextSize = Math.max(first, second);
    const tight = await runIt({ entries, run: { threads: 1, contextSize } });
    expect(tight.report).toMatchObject({ complete: true, conditions: { used: 1, skipped: { length: 1 } } });
    const wider = await runIt({ entries, run: { threads: 1, contextSize: contextSize + 1 } });
    const lengths = wider.report!.generations.map(({ tokens }) => tokens.length);
    expect(lengths.toSorted((a, b) => a - b)).toEqual([1, 1 + Math.abs(first - second)]);
  });

  it('are refused where there are no others', async () => {
    const { events, failure } = await runIt({ prompts: [long], run });
    expect(events).toEqual([]);
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure).toMatchObject({ message: expect.stringMatching(/None of 1 prompts.* 40 tokens/) });
  });
});

describe('a model with a chat template', () => {
  let folder: string;
  let models: { model: string; draft: string };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtad-benchmark-'));
    models = await chatPair(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('gets the prompts in it, and says so; with raw as they are', async () => {
    const [asked, raw] = await Promise.all(
      [false, true].map((raw) => runIt({ raw, pair: { gpu: 'off', ...models } })),
    );
    const tokens = (run: typeof asked) => run!.report!.generations.map(({ promptTokens }) => promptTokens);
    expect(asked!.report!.conditions.chatTemplate).toBe('own');
    expect(raw!.report!.conditions.chatTemplate).toBeNull();
    for (const [i, count] of tokens(asked).entries()) expect(count).toBeGreaterThan(tokens(raw)[i]! + 5);
  });
});
