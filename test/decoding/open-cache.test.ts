import { describe, expect, it } from 'vitest';
import { openCache } from '../../src/decoding/open-cache.js';
import { REPLAY_LIMIT } from '../../src/decoding/plan-states.js';
import type { ContextOptions } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import { ResourceError } from '../../src/errors.js';
import { ROOT } from '../../src/types.js';
import { FakeContext } from '../support/fake-context.js';
import { TARGET } from '../support/fake-model.js';
import { fakeTokenizer } from '../support/fake-tokenizer.js';

const OPTIONS = {
  capacity: 20,
  targetSequences: 2,
  draftSequences: 3,
  draftLength: 4,
  threads: 2,
};

/** A model that keeps what was asked of it. */
function fakeModel() {
  const asked: ContextOptions[] = [];
  const contexts: FakeContext[] = [];
  const model: Model = {
    tokenizer: fakeTokenizer(),
    createGrammar: () => Promise.reject(new Error('Not asked for here')),
    async createContext(options) {
      asked.push(options);
      contexts.push(new FakeContext(TARGET, options));
      return contexts.at(-1)!;
    },
  };
  return { model, asked, contexts };
}

const withoutMemory: Model = {
  tokenizer: fakeTokenizer(),
  createGrammar: () => Promise.reject(new Error('Not asked for here')),
  createContext: () => Promise.reject(new ResourceError('No memory')),
};

describe('openCache', () => {
  it('opens as many sequences of each model as it has branches', async () => {
    const [target, draft] = [fakeModel(), fakeModel()];
    const cache = await openCache({ target: target.model, draft: draft.model }, OPTIONS);
    expect(target.asked).toEqual([{ capacity: 20, sequences: 2, cells: 24, threads: 2 }]);
    expect(draft.asked).toEqual([{ capacity: 20, sequences: 3, cells: 28, threads: 2 }]);
    expect(cache.draft!.held).toHaveLength(3);
    expect(cache.capacity).toBe(20);
  });

  it('gives both models the same runtime, and the draft model its own threads where they are named', async () => {
    const [target, draft] = [fakeModel(), fakeModel()];
    const runtime = { draftThreads: 1, cacheType: 'q8_0', flashAttention: true } as const;
    await openCache({ target: target.model, draft: draft.model }, { ...OPTIONS, ...runtime });
    expect(target.asked[0]).toMatchObject({ threads: 2, cacheType: 'q8_0', flashAttention: true });
    expect(draft.asked[0]).toMatchObject({ threads: 1, cacheType: 'q8_0', flashAttention: true });
  });

  it('opens nothing of a draft model that is not there or not needed', async () => {
    const [target, draft] = [fakeModel(), fakeModel()];
    for (const [given, draftSequences] of [
      [undefined, 3],
      [draft.model, 0],
    ] as const) {
      const cache = await openCache({ target: target.model, draft: given }, { ...OPTIONS, draftSequences });
      expect(cache.draft).toBeUndefined();
    }
    expect(draft.asked).toEqual([]);
  });

  it('leaves nothing behind where the memory does not suffice for the draft model', async () => {
    const target = fakeModel();
    const opening = openCache({ target: target.model, draft: withoutMemory }, OPTIONS);
    await expect(opening).rejects.toThrow(ResourceError);
    expect(target.contexts.map(({ disposed }) => disposed)).toEqual([true]);
  });

  it('opens a context for each layer of a chain of heads, and leaves none behind where one does not fit', async () => {
    const open = (fitting: number) => {
      const [target, head] = [fakeModel(), fakeModel()];
      const createContext = (options: ContextOptions) =>
        (head.contexts.length < fitting ? head.model : withoutMemory).createContext(options);
      const model = { ...target.model, head: { ...head.model, createContext, layers: 3 } };
      const opening = openCache({ target: model, draft: undefined }, { ...OPTIONS, usesHead: true });
      return { opening, head };
    };
    const { opening, head } = open(3);
    expect((await opening).draft!.reach).toBe(3);
    expect(head.asked.map(({ headLayer }) => headLayer)).toEqual([0, 1, 2]);
    const failing = open(2);
    await expect(failing.opening).rejects.toThrow(ResourceError);
    expect(failing.head.contexts.map(({ disposed }) => disposed)).toEqual([true, true]);
  });

  it('lets a single head guess as often as is asked, in one context', async () => {
    const [target, head] = [fakeModel(), fakeModel()];
    const model = { ...target.model, head: { ...head.model, layers: 1 } };
    const cache = await openCache({ target: model, draft: undefined }, { ...OPTIONS, usesHead: true });
    expect(cache.draft!.reach).toBe(Infinity);
    expect(head.asked).toHaveLength(1);
  });

  it('passes on that the memory does not suffice for the target', async () => {
    const draft = fakeModel();
    const opening = openCache({ target: withoutMemory, draft: draft.model }, OPTIONS);
    await expect(opening).rejects.toThrow(ResourceError);
    expect(draft.contexts).toEqual([]);
  });

  it('opens more sequences, and cells for each, where states cannot be cut back: two more where drafts are made', async () => {
    const [target, draft] = [fakeModel(), fakeModel()];
    const recurrent = ({ model }: typeof target): Model => ({ ...model, isRecurrent: true });
    const pair = { target: recurrent(target), draft: recurrent(draft) };
    await openCache(pair, OPTIONS);
    await openCache(pair, { ...OPTIONS, rollback: 2, draftSequences: 0 });
    await openCache(pair, { ...OPTIONS, targetDrafts: true, draftSequences: 0 });
    const cells = (sequences: number) => 20 + sequences * (4 + REPLAY_LIMIT + 1);
    expect(target.asked).toMatchObject([
      { sequences: 3, cells: cells(3), rollback: 4 },
      { sequences: 3, cells: cells(3), rollback: 2 },
      { sequences: 4, cells: cells(4), rollback: undefined },
    ]);
    expect(draft.asked).toMatchObject([{ sequences: 5, cells: cells(5), rollback: undefined }]);
  });

  it('opens a context of one sequence for the check of each model, once it is needed', async () => {
    const [target, draft] = [fakeModel(), fakeModel()];
    const cache = await openCache(
      { target: target.model, draft: draft.model },
      { ...OPTIONS, verifyCache: 1 },
    );
    expect(target.asked).toHaveLength(1);
    await cache.target.evaluate([0, 1], [], [ROOT], { top: 0, logSumExp: false });
    expect(target.asked[1]).toEqual({ capacity: 20, sequences: 1, threads: 2 });
    expect(cache.checked).toEqual({ rows: 1, worst: 0 });
    await cache.dispose();
    expect(target.contexts.map(({ disposed }) => disposed)).toEqual([true, true]);
  });
});
