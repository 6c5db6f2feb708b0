import { describe, expect, it } from 'vitest';
import { CacheCheck, type CheckedPass } from '../../src/decoding/cache-check.js';
import { CacheManager } from '../../src/decoding/cache-manager.js';
import { ModelCache } from '../../src/decoding/model-cache.js';
import { CacheError } from '../../src/errors.js';
import { type Prefix, ROOT } from '../../src/types.js';
import { FakeContext } from '../support/fake-context.js';
import { fakeChain, fakeDistribution } from '../support/fake-distribution.js';
import { DRAFT, type FakeModel, readLogits, TARGET } from '../support/fake-model.js';

const PREFIX = [0, 3, 1];
const Q = fakeDistribution(1);
/** Two branches behind the prefix. */
const TREE = [...fakeChain([2, Q], [4, Q]), ...fakeChain([3, Q])];
const WANTED = [ROOT, 0, 1, 2];

/** A pass over the tree. @param seen the text that the cache holds in place of the prefix */
function passOf(top: number, seen: Prefix = PREFIX): CheckedPass {
  const read = { top, logSumExp: false };
  const texts = [[], [2], [2, 4], [3]].map((path) => [...seen, ...path]);
  const rows = texts.map((text) => readLogits(TARGET, text, read));
  return { prefix: PREFIX, tree: TREE, wanted: WANTED, masks: undefined, read, rows };
}

const checkEvery = (n: number) => new CacheCheck(n, 'target model', async () => new FakeContext(TARGET));

describe('CacheCheck', () => {
  it.each([0, 3])(
    'finds no difference where the cache holds the text, by the %d largest logits',
    async (top) => {
      const check = checkEvery(1);
      for (let pass = 0; pass < 4; pass++) await check.see(passOf(top));
      expect(check.checked).toEqual({ rows: 3 + 2 + 3 + 2, worst: 0 }); // each branch in turn
    },
  );

  it('looks at every n-th pass, and at none that reads nothing', async () => {
    const check = checkEvery(3);
    for (let pass = 0; pass < 5; pass++) await check.see(passOf(0));
    expect(check.checked.rows).toBe(2);
    await check.see({ ...passOf(0), wanted: [] });
    await check.see({ ...passOf(0), wanted: [] });
    expect(check.checked.rows).toBe(2);
    await check.dispose();
  });

  it.each([0, 3])(
    'names the pass and the place where the text is another, by the %d largest logits',
    async (top) => {
      const wrong = checkEvery(1).see(passOf(top, [0, 3, 2]));
      await expect(wrong).rejects.toThrow(CacheError);
      await expect(wrong).rejects.toThrow(
        /^The KV cache of the target model .* in pass 1, behind 3 tokens of text, /,
      );
    },
  );

  it('names the guesses too behind which it is another', async () => {
    const sound = passOf(0);
    const off = readLogits(TARGET, [...PREFIX, 1], sound.read);
    const rows = sound.rows.with(3, off);
    await expect(checkEvery(1).see({ ...sound, rows })).rejects.toThrow(
      /behind 3 tokens of text and 1 drafted ones/,
    );
  });

  it('takes a token that the fresh evaluation lacks for no likelier than all that it has', async () => {
    const sound = passOf(0);
    const [first] = sound.rows;
    const logits = Float64Array.of(first!.logits[0]! + 1, first!.logits[0]!);
    const rows = sound.rows.with(0, { tokens: Int32Array.of(99, first!.tokens[0]!), logits });
    await expect(checkEvery(1).see({ ...sound, rows })).rejects.toThrow(CacheError);
  });

  it('says nothing of a row of one logit', async () => {
    const check = checkEvery(1);
    await check.see(passOf(1, [0, 3, 2]));
    expect(check.checked).toEqual({ rows: 0, worst: 0 });
  });
});

describe('a cache that is checked', () => {
  const READ = { top: 0, logSumExp: false };
  const cacheOf = (model: FakeModel) => new ModelCache(new FakeContext(model), {}, checkEvery(1));
  const evaluate = (cache: ModelCache) => cache.evaluate(PREFIX, fakeChain([2, Q]), [ROOT, 0], READ);

  it('tells what was held against fresh evaluations, of both models together', async () => {
    const [target, draft] = [cacheOf(TARGET), cacheOf(TARGET)];
    await evaluate(target);
    expect(target.checked).toEqual({ rows: 2, worst: 0 });
    await evaluate(draft);
    expect(new CacheManager(target, draft).checked).toEqual({ rows: 4, worst: 0 });
    expect(new CacheManager(new ModelCache(new FakeContext(TARGET))).checked).toBeUndefined();
  });

  it('holds nothing for certain once it was found wrong', async () => {
    const cache = cacheOf(DRAFT); // and the fresh evaluations are the target's
    await expect(evaluate(cache)).rejects.toThrow(CacheError);
    expect(cache.held).toEqual([{ shared: 0, tail: [] }]);
  });
});
