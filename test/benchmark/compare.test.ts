import { describe, expect, it } from 'vitest';
import { compare, type Pairing } from '../../src/benchmark/compare.js';
import type { EarlierReport } from '../../src/benchmark/out/json.js';
import type { BenchmarkReport, ContenderSummary } from '../../src/benchmark/report.js';
import { about, fakeSummary, reportOf, timed } from '../support/fake-generation.js';

const MTAD = fakeSummary({ name: 'mtad k=4' });

const values = ({ then, now }: Pairing) => [then?.value ?? null, now?.value ?? null];

/** What has changed from one state of a contender to another. */
const changed = (then: Partial<ContenderSummary>, now: Partial<ContenderSummary>) =>
  compare(
    reportOf([fakeSummary(now)], { generations: [] }),
    reportOf([fakeSummary(then)], { generations: [] }),
  ).changes[0]!;

const speed = (value: number, half: number | null) =>
  half === null ? { value, low: null, high: null } : about(value, half);
const speedUp = (value: number) => ({ autoregressive: about(value), speculative: null, predictor: null });

describe('a comparison', () => {
  it('pairs contenders by name and engine, in the order of now', () => {
    const plain = fakeSummary();
    const elsewhere = { ...MTAD, engine: 'bindings' };
    const { changes, only } = compare(
      reportOf([MTAD, plain, fakeSummary({ name: 'new' })]),
      reportOf([fakeSummary({ name: 'old' }), elsewhere, plain, MTAD]),
    );
    expect(changes.map(({ name, engine }) => [name, engine])).toEqual([
      ['mtad k=4', 'direct'],
      ['autoregressive', 'direct'],
    ]);
    expect([...only].sort()).toEqual(['mtad k=4 (bindings)', 'new (direct)', 'old (direct)']);
  });

  it('finds that everything agrees with itself', () => {
    const whole = { speedUp: speedUp(2), perplexity: about(4) };
    const { speed: pace, speedUp: factor, perplexity } = changed(whole, whole);
    for (const { then, now, agrees } of [pace, factor, perplexity]) {
      expect(then).toEqual(now);
      expect(agrees).toBe(true);
    }
  });

  it('tells then from now', () => {
    const change = changed(
      { speedUp: speedUp(2), perplexity: about(4), tokensPerSecond: speed(20, 0) },
      { speedUp: speedUp(3), perplexity: about(5), tokensPerSecond: speed(30, 0) },
    );
    expect(values(change.speed)).toEqual([20, 30]);
    expect(values(change.speedUp)).toEqual([2, 3]);
    expect(values(change.perplexity)).toEqual([4, 5]);
  });

  it.each([
    { old: 2, now: 2.9, agrees: true },
    { old: 2, now: 3, agrees: true }, // they touch
    { old: 2, now: 3.1, agrees: false },
    { old: 3.1, now: 2, agrees: false },
  ])('says of $old and $now, each ± 0.5, that they agree: $agrees', ({ old, now, agrees }) => {
    expect(changed({ perplexity: about(old) }, { perplexity: about(now) }).perplexity.agrees).toBe(agrees);
    expect(changed({ speedUp: speedUp(old) }, { speedUp: speedUp(now) }).speedUp.agrees).toBe(agrees);
  });

  it('takes the speed of an earlier report from its texts, whatever statistic it wrote; without texts it has none', () => {
    const rates = [{ ...fakeSummary(), tokensPerSecond: null }];
    const texts = [timed(10, 100), timed(10, 400, { prompt: '2' })];
    const speedIn = (generations: EarlierReport['generations']) =>
      compare(reportOf([fakeSummary()]), { ...reportOf([fakeSummary()]), contenders: rates, generations })
        .changes[0]!.speed.then;
    expect(speedIn(texts)).toEqual({ value: 40, low: null, high: null }); // 20 tokens in half a second
    expect(speedIn([])).toBeNull();
  });

  it('judges a speed by the same texts, where both reports have them: prompts differ by more than runs do', () => {
    const run = (factor: number) => {
      const texts = [10, 20, 40, 80, 160, 320].map((ms, i) =>
        timed(10, ms * factor * (1 + 0.01 * (i % 2)), { prompt: `${i}` }),
      );
      return reportOf([fakeSummary({ tokensPerSecond: speed(300, 350) })], { generations: texts });
    };
    const agrees = (now: number, then: number) => compare(run(now), run(then)).changes[0]!.speed.agrees;
    expect(agrees(1, 1)).toBe(true);
    expect(agrees(1.12, 1)).toBe(false);
    expect(agrees(1, 1.12)).toBe(false);
    const others = run(1.12);
    const longer = others.generations.map((one) => ({ ...one, promptTokens: 2 * one.promptTokens }));
    expect(compare(run(1), { ...others, generations: longer }).changes[0]!.speed.agrees).toBe(true); // not those texts
  });

  it('does not judge where there is no interval, or no figure', () => {
    const single = { tokensPerSecond: speed(20, null), generations: 1 };
    expect(changed({}, single).speed).toMatchObject({ now: { value: 20, low: null }, agrees: null });
    expect(changed(single, {}).speed.agrees).toBeNull();
    const { perplexity } = changed({}, { perplexity: about(4) });
    expect([...values(perplexity), perplexity.agrees]).toEqual([null, 4, null]);
    const none = changed({ tokensPerSecond: null }, { tokensPerSecond: null }).speed;
    expect([...values(none), none.agrees]).toEqual([null, null, null]);
  });
});

describe('a comparison warns', () => {
  const now = reportOf([MTAD]);
  const warnings = (rest: Partial<BenchmarkReport>): readonly string[] =>
    compare(now, reportOf([MTAD], rest) as EarlierReport).warnings;

  it('of nothing where nothing is different that matters', () => {
    const conditions = { ...now.conditions, repetitions: 3 };
    expect(warnings({ started: '2020-01-01T00:00:00.000Z', seconds: 1, conditions })).toEqual([]);
  });

  it('of nothing that earlier releases did not write', () => {
    const { gpus: _, ...machine } = now.machine;
    const { cacheType: __, draftThreads: ___, ...conditions } = now.conditions;
    expect(warnings({ machine, conditions } as Partial<BenchmarkReport>)).toEqual([]);
  });

  const { models, machine, conditions } = now;
  const large = { ...models.target, file: 'larger.gguf' };
  it.each<{ rest: Partial<BenchmarkReport>; warning: string }>([
    {
      rest: { models: { ...models, target: large } },
      warning: 'target model: larger.gguf then, large.gguf now',
    },
    { rest: { models: { ...models, draft: null } }, warning: 'draft model: none then, small.gguf now' },
    {
      rest: { machine: { ...machine, cpu: 'Pascaline' } },
      warning: 'processor: Pascaline then, Abacus 9 now',
    },
    { rest: { machine: { ...machine, backend: 'cuda' } }, warning: 'backend: cuda then, cpu now' },
    {
      rest: { conditions: { ...conditions, prompts: 'mine.jsonl', used: 3 } },
      warning: 'prompts: 3 (mine.jsonl) then, 10 (built-in) now',
    },
    {
      rest: { conditions: { ...conditions, maxTokens: 64, ignoreEos: true } },
      warning: 'tokens per text: 64, ends ignored then, 128 now',
    },
    { rest: { conditions: { ...conditions, temperature: 0 } }, warning: 'temperature: 0 then, 1 now' },
    { rest: { conditions: { ...conditions, topK: 0 } }, warning: 'top-k: 0 then, 10 now' },
    { rest: { conditions: { ...conditions, topP: 1 } }, warning: 'top-p: 1 then, 0.9 now' },
    {
      rest: { conditions: { ...conditions, threads: 4 } },
      warning: 'threads: 4 then, by model and device now',
    },
    {
      rest: { versions: { ...now.versions, llamaCpp: 'b0' } },
      warning: 'llama.cpp: b0 then, b1 now',
    },
    { rest: { machine: { ...machine, gpus: ['Abacus X'] } }, warning: 'GPUs: Abacus X then, none now' },
    {
      rest: { conditions: { ...conditions, cacheType: 'q8_0' } },
      warning: 'KV cache: q8_0 then, not asked for now',
    },
    {
      rest: { conditions: { ...conditions, flashAttention: false } },
      warning: 'flash attention: false then, not asked for now',
    },
    { rest: { conditions: { ...conditions, seed: 7 } }, warning: 'seed: 7 then, 1 now' },
    { rest: { complete: false }, warning: 'completeness: incomplete then, complete now' },
  ])('$warning', ({ rest, warning }) => {
    expect(warnings(rest)).toEqual([warning]);
  });
});
