import { describe, expect, it } from 'vitest';
import { ModelCache } from '../../src/decoding/model-cache.js';
import { createRng } from '../../src/math/rng.js';
import { type Prefix, type Rng, ROOT } from '../../src/types.js';
import { EngineFailure, FakeContext, type FakeContextOptions } from '../support/fake-context.js';
import { fakeChain, fakeDistribution } from '../support/fake-distribution.js';
import { distributionAfter, readLogits, TARGET, UNCUT, VOCABULARY } from '../support/fake-model.js';
import { pathTo } from '../support/fake-next-tokens.js';
import { heldTexts, knownTexts } from '../support/known-texts.js';
import { randomRequest, randomTokens } from './random-request.js';

const READ = { top: 0, logSumExp: false };
const Q = fakeDistribution(1);

function openFake(options: FakeContextOptions = {}) {
  const context = new FakeContext(TARGET, options);
  return { context, cache: new ModelCache(context) };
}

const chain = (...tokens: number[]) => fakeChain(...tokens.map((token) => [token, Q] as [number, typeof Q]));

async function progress(steps: AsyncIterable<number>): Promise<number[]> {
  const seen: number[] = [];
  for await (const done of steps) seen.push(done);
  return seen;
}

/** The text goes on, or back, or back and on another way. */
function change(prefix: Prefix, rng: Rng): Prefix {
  const keep = rng() < 0.6 ? prefix.length : Math.floor(rng() * prefix.length);
  const changed = [...prefix.slice(0, keep), ...randomTokens(rng, 3)].slice(0, 10);
  return changed.length > 0 ? changed : [0];
}

/** One thing that may happen to a cache in its life. */
async function act(cache: ModelCache, context: FakeContext, prefix: Prefix, rng: Rng): Promise<void> {
  const { draft, wanted } = randomRequest(rng, cache.held.length, prefix);
  const read = { top: Math.floor(4 * rng()), logSumExp: rng() < 0.5 };
  const dice = rng();
  if (dice < 0.5) {
    const rows = await cache.evaluate(prefix, draft, wanted, read);
    expect(rows).toEqual(wanted.map((node) => readLogits(TARGET, [...prefix, ...pathTo(draft, node)], read)));
  } else if (dice < 0.7) {
    cache.rollback(prefix);
  } else if (dice < 0.85) {
    context.canCopy = context.sharesCells || context.rollback < Infinity || rng() < 0.7;
    await progress(cache.prefill(prefix));
  } else {
    context.failIn(1);
    await expect(cache.evaluate(prefix, draft, wanted, read)).rejects.toThrow(EngineFailure);
  }
}

describe('ModelCache', () => {
  it.each([
    { sequences: 1, sharesCells: false, rollback: Infinity },
    { sequences: 2, sharesCells: false, rollback: Infinity },
    { sequences: 4, sharesCells: false, rollback: Infinity },
    { sequences: 1, sharesCells: true, rollback: Infinity },
    { sequences: 4, sharesCells: true, rollback: Infinity },
    ...[0, 2, 8].flatMap((rollback) =>
      [1, 2, 4, 6].map((sequences) => ({ sequences, sharesCells: false, rollback })),
    ),
  ])(
    'with $sequences sequences (shared cells: $sharesCells, rollback: $rollback) always answers as the model does, and knows what the engine holds',
    async ({ sequences, sharesCells, rollback }) => {
      const { cache, context } = openFake({ sequences, sharesCells, rollback, capacity: 17 });
      const rng = createRng(sequences);
      let prefix: Prefix = [0];
      for (let i = 0; i < 400; i++) {
        prefix = change(prefix, rng);
        await act(cache, context, prefix, rng);
        expect(heldTexts(cache, context)).toEqual(knownTexts(cache, prefix));
      }
    },
  );

  it('evaluates every token of a text once, however the text grows', async () => {
    const { cache, context } = openFake();
    const rng = createRng(9);
    const prefix = [0, 3, 1];
    await progress(cache.prefill(prefix));
    while (prefix.length < 40) {
      const more = randomTokens(rng, 4);
      await cache.evaluate(prefix, chain(...more), [ROOT, ...more.keys()], READ);
      prefix.push(...more, 2);
      cache.rollback(prefix);
      expect(context.evaluated).toBe(prefix.length - 1);
    }
  });

  it('grows a chain token by token with one evaluation each', async () => {
    const { cache, context } = openFake();
    const tokens = [3, 1, 4, 2];
    for (const n of tokens.keys()) {
      await cache.evaluate([0], chain(...tokens.slice(0, n)), [n === 0 ? ROOT : n - 1], READ);
      expect(context.evaluated).toBe(n + 1);
    }
  });

  it('gives the same rows as distributions, cut as asked', async () => {
    const { cache } = openFake();
    for (const truncation of [UNCUT, { temperature: 0.7, topK: 3, topP: 0.8, banned: new Set([2]) }])
      expect(await cache.distributions([0, 3], chain(1, 4), [1, ROOT], truncation)).toEqual([
        distributionAfter(TARGET, [0, 3, 1, 4], truncation),
        distributionAfter(TARGET, [0, 3], truncation),
      ]);
  });

  it('could answer wrongly: every change of the last two tokens changes the answer', () => {
    const answers = new Set<string>();
    for (let before = 0; before < VOCABULARY; before++)
      for (let last = 0; last < VOCABULARY; last++) answers.add(`${TARGET(last, before)}`);
    expect(answers.size).toBe(VOCABULARY ** 2);
  });

  describe('evaluate', () => {
    it('leaves all as it was where more branches are asked for than there are sequences', async () => {
      const { cache, context } = openFake({ sequences: 1 });
      await cache.evaluate([0, 1], [], [ROOT], READ);
      const forked = [...chain(1), ...chain(2)];
      await expect(cache.evaluate([0, 1], forked, [0, 1], READ)).rejects.toThrow(RangeError);
      expect(knownTexts(cache, [0, 1])).toEqual([[0, 1]]);
      expect(context.texts).toEqual([[0, 1]]);
    });

    it('does so too where sequences keep states', async () => {
      const { cache } = openFake({ sequences: 1, rollback: 2 });
      await cache.evaluate([0, 1], [], [ROOT], READ);
      const forked = [...chain(1), ...chain(2)];
      await expect(cache.evaluate([0, 1], forked, [0, 1], READ)).rejects.toThrow(RangeError);
      expect(knownTexts(cache, [0, 1])).toEqual([[0, 1]]);
    });

    it('holds nothing where an evaluation failed, and all else as before', async () => {
      const { cache, context } = openFake({ sequences: 2 });
      await progress(cache.prefill([0, 1, 2]));
      context.failIn(1);
      await expect(cache.evaluate([0, 1, 2], chain(3), [0], READ)).rejects.toThrow('The engine failed');
      expect(cache.held.map(({ shared }) => shared).toSorted()).toEqual([0, 2]);
      expect(context.texts).toEqual(knownTexts(cache, [0, 1, 2]));
    });

    it('passes on the error of a text that does not fit, and works on', async () => {
      const { cache } = openFake({ capacity: 3 });
      await expect(cache.evaluate([0, 1, 2], chain(3), [ROOT, 0], READ)).rejects.toThrow(RangeError);
      expect(await cache.evaluate([0, 1, 2], [], [ROOT], READ)).toEqual([
        readLogits(TARGET, [0, 1, 2], READ),
      ]);
    });
  });

  it('reads anew a text that was shortened in its own array, or changed there up to its last token', async () => {
    const { cache } = openFake({ sequences: 2 });
    const text = [0, 1, 2, 3, 1, 2];
    const changes = [
      () => text.splice(3, 3, 2),
      () => text.splice(1, 3, 3, 2, 1),
      () => text.splice(0, 4, 2, 3, 0, 2),
    ];
    for (const changed of [() => {}, ...changes]) {
      changed();
      const [row] = await cache.evaluate(text, [], [ROOT], READ);
      expect(row).toEqual(readLogits(TARGET, text, READ));
    }
  });

  describe('prefill', () => {
    it('evaluates the text once, a batch at a time, for all sequences up to the last token', async () => {
      const { cache, context } = openFake({ sequences: 3, batchSize: 4 });
      const prefix = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0];
      expect(await progress(cache.prefill(prefix))).toEqual([4, 8, 10]);
      expect(knownTexts(cache, prefix)).toEqual([0, 1, 2].map(() => prefix.slice(0, -1)));
      expect(context.evaluated).toBe(10);
    });

    it('evaluates the first tokens alone where no more are asked for, in one sequence', async () => {
      const { cache, context } = openFake({ sequences: 2, batchSize: 2 });
      expect(await progress(cache.prefill([0, 1, 2, 3, 4], 3))).toEqual([2]);
      expect(context.texts).toEqual([[0, 1, 2], []]);
      expect(await progress(cache.prefill([0, 1, 2, 3, 4]))).toEqual([4]);
      expect(context.texts).toEqual([
        [0, 1, 2, 3],
        [0, 1, 2, 3],
      ]);
    });

    it('leaves the other sequences empty where the engine cannot copy, and they catch up when used', async () => {
      const { cache, context } = openFake({ sequences: 2 });
      context.canCopy = false;
      const prefix = [0, 1, 2, 3];
      await progress(cache.prefill(prefix));
      expect(knownTexts(cache, prefix)).toEqual([prefix.slice(0, -1), []]);
      expect(context.texts).toEqual(knownTexts(cache, prefix));
      const branches = [...chain(1), ...chain(2)];
      const rows = await cache.evaluate(prefix, branches, [0, 1], READ);
      expect(rows).toEqual([1, 2].map((token) => readLogits(TARGET, [...prefix, token], READ)));
    });

    it('has nothing to do for a text of one token, or for one that is held', async () => {
      const { cache, context } = openFake({ sequences: 2 });
      expect(await progress(cache.prefill([3]))).toEqual([]);
      await progress(cache.prefill([3, 1, 2]));
      const { evaluated, copies } = context;
      expect(await progress(cache.prefill([3, 1, 2]))).toEqual([]);
      expect([context.evaluated, context.copies]).toEqual([evaluated, copies]);
    });

    it('can be interrupted, and goes on where it was', async () => {
      const { cache, context } = openFake({ batchSize: 2 });
      const prefix = [0, 1, 2, 3, 4, 0];
      for await (const _ of cache.prefill(prefix)) break;
      expect(knownTexts(cache, prefix)).toEqual([[0, 1]]);
      expect(await progress(cache.prefill(prefix))).toEqual([4, 5]);
      expect(context.evaluated).toBe(5);
    });

    it('evaluates only what differs from another text', async () => {
      const { cache, context } = openFake();
      await progress(cache.prefill([0, 1, 2, 3, 4]));
      await progress(cache.prefill([0, 1, 4, 3, 2]));
      expect(context.texts).toEqual([[0, 1, 4, 3]]);
      expect(context.evaluated).toBe(4 + 2);
    });
  });

  describe('rollback', () => {
    it('leaves the committed text without its last token, and evaluates nothing', async () => {
      const { cache, context } = openFake({ sequences: 2 });
      const forked = [...chain(1, 2), { ...chain(3)[0]!, parent: 0 }];
      await cache.evaluate([0, 4], forked, [1, 2], READ);
      const { evaluated } = context;
      cache.rollback([0, 4, 1, 3, 2]);
      expect(knownTexts(cache, [0, 4, 1, 3, 2]).toSorted()).toEqual([
        [0, 4, 1],
        [0, 4, 1, 3],
      ]);
      expect(heldTexts(cache, context)).toEqual(knownTexts(cache, [0, 4, 1, 3, 2]));
      expect(context.evaluated).toBe(evaluated);
    });

    it('takes the last token out where it was evaluated', async () => {
      const { cache, context } = openFake();
      await cache.evaluate([0, 4], chain(1, 2), [1], READ);
      cache.rollback([0, 4, 1]);
      expect(knownTexts(cache, [0, 4, 1])).toEqual([[0, 4]]);
      await cache.evaluate([0, 4, 1], [], [ROOT], READ);
      expect(context.texts).toEqual([[0, 4, 1]]);
    });

    it('forgets all of a text that has nothing in common', async () => {
      const { cache, context } = openFake();
      await progress(cache.prefill([0, 1, 2]));
      cache.rollback([3, 1, 2]);
      expect(knownTexts(cache, [3, 1, 2])).toEqual([[]]);
      await progress(cache.prefill([3, 1, 2]));
      expect(context.texts).toEqual([[3, 1]]);
    });
  });

  describe('work', () => {
    it('counts passes, the tokens evaluated in them, and the time spent in them and waiting for them', async () => {
      let looks = 0;
      const now = () => 10 * context.passes + looks++; // a pass takes 11 ms, after a wait of 1 ms
      const context: FakeContext = new FakeContext(TARGET, { now });
      const cache = new ModelCache(context);
      expect(cache.work).toEqual({ passes: 0, tokens: 0, ms: 0, waitMs: 0 });
      await cache.evaluate([0, 1], chain(2), [ROOT, 0], READ);
      expect(cache.work).toEqual({ passes: 1, tokens: 3, ms: 11, waitMs: 1 });
      cache.rollback([0]);
      await cache.evaluate([0], [], [ROOT], READ);
      expect(cache.work).toEqual({ passes: 2, tokens: 4, ms: 22, waitMs: 2 });
    });
  });
});
