import { describe, expect, it } from 'vitest';
import { watchedModel } from '../../src/benchmark/watched-model.js';
import type { BatchToken, Context, ContextOptions } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import { copy, decode, forget } from '../engine/rows.js';
import { EngineFailure, FakeContext } from '../support/fake-context.js';
import { TARGET } from '../support/fake-model.js';
import { fakeTokenizer } from '../support/fake-tokenizer.js';

const READ = { top: 3, logSumExp: true };

const batchOf = (...tokens: number[]): BatchToken[] =>
  tokens.map((token, position) => ({ token, position, sequences: [0], wanted: position % 2 === 0 }));

/** A model whose contexts are fakes, which are noted, and so is what they were asked for. */
function fakeModel() {
  const contexts: FakeContext[] = [];
  const asked: ContextOptions[] = [];
  const model: Model = {
    tokenizer: fakeTokenizer(),
    createGrammar: () => Promise.reject(new Error('Not asked for here')),
    async createContext(options) {
      asked.push(options);
      const context = new FakeContext(TARGET, { ...options, sharesCells: true });
      contexts.push(context);
      return context;
    },
  };
  return { model, contexts, asked };
}

describe('a watched model', () => {
  it('is the model: its tokenizer, and contexts of what is asked for', async () => {
    const { model, contexts, asked } = fakeModel();
    const watched = watchedModel(model, () => undefined);
    expect(watched.tokenizer).toBe(model.tokenizer);
    const options = { capacity: 9, sequences: 3, threads: 1 };
    const context = await watched.createContext(options);
    expect(asked).toEqual([options]);
    const { capacity, sequences, sharesCells, batchSize } = contexts[0]!;
    expect(context).toMatchObject({ capacity, sequences, sharesCells, batchSize });
    expect(context).toMatchObject({ capacity: 9, sequences: 3, sharesCells: true });
  });

  it('does what it is told, and answers what the model answers', async () => {
    const { model, contexts } = fakeModel();
    const own = await model.createContext({ capacity: 9, sequences: 3 });
    const watched = await watchedModel(model, () => undefined).createContext({ capacity: 9, sequences: 3 });
    const use = async (context: Context) => [
      await decode(context, batchOf(1, 2, 3, 4), READ),
      await forget(context, 0, 3),
      await copy(context, 0, [1, 2], 2),
      await decode(context, [{ token: 0, position: 2, sequences: [1, 2], wanted: true }], {
        top: 1,
        logSumExp: false,
      }),
      await context.dispose(),
    ];
    expect(await use(watched)).toEqual(await use(own));
    const [expected, behind] = contexts as [FakeContext, FakeContext];
    expect(behind.texts).toEqual(expected.texts);
    expect(behind.texts).toEqual([
      [1, 2, 3],
      [1, 2, 0],
      [1, 2, 0],
    ]);
    expect(behind.disposed).toBe(true);
  });

  it('tells how many tokens each pass evaluated, over all its contexts, as they come', async () => {
    const { model } = fakeModel();
    const sizes: number[] = [];
    const watched = watchedModel(model, (tokens) => sizes.push(tokens));
    const [a, b] = [
      await watched.createContext({ capacity: 9, sequences: 1 }),
      await watched.createContext({ capacity: 9, sequences: 1 }),
    ];
    await decode(a, batchOf(1, 2, 3), READ);
    await decode(b, batchOf(1), READ);
    await forget(a, 0, 0);
    await decode(a, batchOf(1, 2), READ);
    expect(sizes).toEqual([3, 1, 2]);
  });

  it('hands on failures', async () => {
    const { model, contexts } = fakeModel();
    const context = await watchedModel(model, () => undefined).createContext({ capacity: 9, sequences: 1 });
    contexts[0]!.failIn(1);
    await expect(decode(context, batchOf(1, 2), READ)).rejects.toThrow(EngineFailure);
  });
});
