import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PassCosts } from '../../src/benchmark/costs.js';
import type { BatchToken, Context, Pass, PassAnswer, ReadRequest } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { chain, decode } from '../engine/rows.js';
import { fakeClock } from '../support/fake-clock.js';
import { EngineFailure, FakeContext } from '../support/fake-context.js';
import { TARGET } from '../support/fake-model.js';

const TEXT = [0, 3, 1, 2, 4, 0, 2, 1, 3, 4];

/** A context in which time passes only while it evaluates: one after the other of `ms`, by the size of the batch. */
function costly(ms: Record<number, number[]>) {
  const asked: { batch: readonly BatchToken[]; read: ReadRequest; held: number }[] = [];
  class CostlyContext extends FakeContext {
    override async run(pass: Pass): Promise<PassAnswer> {
      const { keeps, batch, read } = pass;
      if (batch.length > 0) asked.push({ batch, read, held: keeps[0]!.length });
      const { rows } = await super.run(pass);
      return { rows, ms: ms[batch.length]?.shift() ?? 0, waitMs: 0 };
    }
  }
  const context = new CostlyContext(TARGET, { capacity: 16 });
  return { context, asked, costs: new PassCosts(context) };
}

describe('the costs of passes', () => {
  it('are the means of three measurements a round, the two passes that warm up left out', async () => {
    const cold = [999, 999];
    const { costs } = costly({ 1: [...cold, 10, 40, 25, ...cold, 5, 5, 5], 3: [...cold, 7, 1, 4] });
    await costs.measure(TEXT, [3, 1]);
    await costs.measure(TEXT, [1]);
    expect(costs.costs()).toEqual([
      { tokens: 1, ms: 15 },
      { tokens: 3, ms: 4 },
    ]);
  });

  it('are those of passes that follow on half the text and read after every token', async () => {
    const { costs, asked, context } = costly({});
    await costs.measure(TEXT, [1, 4, 8]);
    const [before, ...passes] = asked;
    expect(before!.batch.map(({ token }) => token)).toEqual(TEXT.slice(0, 5));
    expect(before!.batch.some(({ wanted }) => wanted)).toBe(false);
    expect(passes.map(({ batch }) => batch.length)).toEqual([1, 4, 8].flatMap((k) => [k, k, k, k, k]));
    for (const { batch, held } of passes) {
      expect(held).toBe(5);
      expect(batch.every(({ wanted }) => wanted)).toBe(true);
      expect(batch.slice(0, 5).map(({ token }) => token)).toEqual(TEXT.slice(5, 5 + batch.length));
    }
    expect(context.texts[0]).toEqual(TEXT.slice(0, 5)); // nothing of them is left behind
  });

  it('are not those of passes that the context has no room for', async () => {
    const { costs, asked } = costly({});
    await costs.measure(TEXT, [1, 15, 16, 17, 1000]);
    expect(costs.costs().map(({ tokens }) => tokens)).toEqual([1, 15]);
    expect(asked.every(({ batch, held }) => held + batch.length <= 16)).toBe(true);
  });

  it('end after the pass that is running where they are interrupted', async () => {
    const { costs, asked, context } = costly({});
    const controller = new AbortController();
    const measured = costs.measure(TEXT, [1, 2, 3], controller.signal);
    controller.abort();
    await measured;
    expect(asked).toHaveLength(1);
    expect(context.texts[0]).toEqual(TEXT.slice(0, 5));
  });

  it('can be had from one token', async () => {
    const { costs } = costly({});
    await costs.measure([3], [1, 2]);
    expect(costs.costs().map(({ tokens }) => tokens)).toEqual([1, 2]);
  });

  it('are none before anything was measured', () => {
    expect(costly({}).costs.costs()).toEqual([]);
  });

  it('go on after an evaluation has failed', async () => {
    for (const failure of [1, 2, 3]) {
      const context = new FakeContext(TARGET, { capacity: 16, now: fakeClock() });
      const costs = new PassCosts(context);
      context.failIn(failure);
      await expect(costs.measure(TEXT, [2])).rejects.toThrow(EngineFailure);
      await costs.measure(TEXT, [2]);
      expect(costs.costs()).toEqual([{ tokens: 2, ms: 1 }]);
    }
  });

  it('take their context with them', async () => {
    const { context, costs } = costly({});
    await costs.dispose();
    expect(context.disposed).toBe(true);
  });
});

describe('on an engine', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await loadPair({ gpu: 'off' });
  });
  afterAll(() => pair.dispose());

  it.each([
    { name: 'target', model: (): Model => pair.target },
    { name: 'draft', model: (): Model => pair.draft! },
  ])('passes of the $name take some time, and leave the context as it was', async ({ model }) => {
    const text = model().tokenizer.encode('Once upon a time, there was a little girl named Lily.');
    const context: Context = await model().createContext({ capacity: 40, sequences: 1, threads: 1 });
    const costs = new PassCosts(context);
    try {
      for (let round = 0; round < 3; round++) await costs.measure(text, [17, 1, 40, 5]);
      expect(costs.costs().map(({ tokens }) => tokens)).toEqual([1, 5, 17]);
      for (const { ms } of costs.costs()) expect(ms).toBeGreaterThan(0);
      const half = text.length >> 1; // the next token of the text is the next that it takes
      await decode(context, chain(text.slice(half), half), { top: 1, logSumExp: false });
    } finally {
      await costs.dispose();
    }
  });
});
