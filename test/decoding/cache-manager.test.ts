import { describe, expect, it } from 'vitest';
import { CacheManager } from '../../src/decoding/cache-manager.js';
import { ModelCache } from '../../src/decoding/model-cache.js';
import { ROOT } from '../../src/types.js';
import { FakeContext } from '../support/fake-context.js';
import { TARGET } from '../support/fake-model.js';
import { fakePair } from '../support/fake-pair.js';
import { prefill } from '../support/fake-run.js';
import { knownTexts } from '../support/known-texts.js';

const PREFIX = [0, 1, 2, 3, 4, 0, 1];
const READ = { top: 1, logSumExp: false };

function alone(capacity = 64) {
  const context = new FakeContext(TARGET, { capacity });
  return { context, cache: new CacheManager(new ModelCache(context)) };
}

describe('CacheManager', () => {
  it('fills both caches with the prompt but for its last token', async () => {
    const { cache, target, draft } = fakePair({ draftSequences: 2 });
    await prefill(cache, PREFIX);
    expect(target.texts).toEqual([PREFIX.slice(0, -1)]);
    expect(draft.texts).toEqual([PREFIX.slice(0, -1), PREFIX.slice(0, -1)]);
  });

  it.each([
    ['both models', fakePair()],
    ['the target alone', alone()],
  ])('tells how much of the prompt is done, up to all of it, for %s', async (_, { cache }) => {
    const models = cache.draft ? 2 : 1;
    let last = 0;
    for await (const { done, total } of cache.prefill(PREFIX)) {
      expect(total).toBe(models * (PREFIX.length - 1));
      expect(done).toBeGreaterThan(last);
      last = done;
    }
    expect(last).toBe(models * (PREFIX.length - 1));
  });

  it('rolls both caches back to the same text', async () => {
    const { cache, target, draft } = fakePair();
    await cache.target.evaluate(PREFIX, [], [ROOT], READ);
    await cache.draft!.evaluate(PREFIX, [], [ROOT], READ);
    cache.rollback([0, 1, 2, 4]);
    for (const one of [cache.target, cache.draft!])
      expect(knownTexts(one, [0, 1, 2, 4])).toEqual([[0, 1, 2]]);
    for (const context of [target, draft]) expect(context.texts[0]!.slice(0, 3)).toEqual([0, 1, 2]);
  });

  it('has room for what fits into the smaller of the two', () => {
    const caches = [20, 12].map((capacity) => alone(capacity).cache.target);
    expect(new CacheManager(caches[0]!, caches[1]!).capacity).toBe(12);
    expect(new CacheManager(caches[1]!, caches[0]!).capacity).toBe(12);
    expect(new CacheManager(caches[0]!).capacity).toBe(20);
  });

  it('frees both', async () => {
    const { cache, target, draft } = fakePair();
    await cache.dispose();
    expect([target.disposed, draft.disposed]).toEqual([true, true]);
  });

  it('lets a text see no more room than it may use, with or without the draft model', () => {
    const target = new ModelCache(new FakeContext(TARGET, { capacity: 20, rollback: 8 }));
    const cache = new CacheManager(target, new ModelCache(new FakeContext(TARGET, { capacity: 30 })));
    const room = { capacity: 9, rollback: 3 };
    const [drafted, alone] = [cache.forText(room, true), cache.forText(room, false)];
    expect([cache.capacity, drafted.capacity, alone.capacity]).toEqual([20, 9, 9]);
    expect([cache.roomBehind(4), drafted.roomBehind(4), drafted.roomBehind(8)]).toEqual([8, 3, 1]);
    expect([drafted.draft, alone.draft]).toEqual([cache.draft, undefined]);
  });
});
