import { describe, expect, it } from 'vitest';
import { CacheManager } from '../../src/decoding/cache-manager.js';
import { ModelCache } from '../../src/decoding/model-cache.js';
import { fixedLength } from '../../src/drafting/length.js';
import type { Pass } from '../../src/engine/passes.js';
import { createRng } from '../../src/math/rng.js';
import { passMs } from '../../src/tuning/cost-curves.js';
import { measureCosts, withoutNoise } from '../../src/tuning/measure-costs.js';
import { type Draft, ROOT } from '../../src/types.js';
import { FakeContext } from '../support/fake-context.js';
import { DRAFT, readLogits, TARGET, UNCUT } from '../support/fake-model.js';
import { fakePair } from '../support/fake-pair.js';
import { PROMPT, prefill, strategyOn } from '../support/fake-run.js';

const READ = { top: 0, logSumExp: false };

/** Milliseconds of a pass. */
type Cost = (model: 'target' | 'draft', rows: number, pass: number) => number;
const COST: Cost = (model, rows) => (model === 'target' ? 4 + rows / 2 : 1 + rows / 8);

/** Both caches behind the prompt, on a clock that says what the passes since the start should have cost. */
async function measured(capacity: number, beamWidth: number, cost: Cost, signal?: AbortSignal) {
  let ms = 0;
  let passes = 0;
  const { cache, target, draft } = fakePair({ capacity, draftSequences: beamWidth });
  await prefill(cache, PROMPT);
  for (const [model, context] of [
    ['target', target],
    ['draft', draft],
  ] as const) {
    const run = context.run.bind(context);
    context.run = async (pass: Pass) => {
      const answer = await run(pass);
      if (pass.batch.length > 0) ms += cost(model, pass.batch.length, passes++) + answer.waitMs; // waiting is no cost
      return answer;
    };
  }
  const options = { strategy: 'mtad', threshold: 0.5, clip: false, draftFrom: 'model', beamWidth } as const;
  const curves = await measureCosts(cache, PROMPT, beamWidth, {
    guess: (draftLength) => {
      const length = fixedLength(draftLength);
      return strategyOn(cache, { ...options, draftLength }, UNCUT, { length }).draft(
        PROMPT,
        20,
        createRng(1),
      );
    },
    judge: async (guesses: Draft) => {
      await cache.target.evaluate(PROMPT, guesses, [ROOT, ...guesses.keys()], READ);
      cache.rollback(PROMPT);
    },
    now: () => ms,
    signal,
  });
  return { ...curves!, cache, ms };
}

const rowsOf = (curve: readonly { rows: number }[]) => curve.map(({ rows }) => rows);

describe('measureCosts', () => {
  it('finds what a pass costs by its rows, of both models', async () => {
    const { target, draft } = await measured(64, 4, COST);
    expect(rowsOf(target)).toEqual([1, 2, 3, 4, 5, 8, 9, 12, 13, 16, 17]);
    for (const { rows, ms } of target) expect(ms).toBeCloseTo(COST('target', rows, 0), 9);
    expect(rowsOf(draft!)).toEqual([1, 4, 9]);
    expect(draft![0]!.ms).toBeCloseTo(COST('draft', 1, 0), 9);
    expect(draft![1]!.ms).toBeGreaterThan(COST('draft', 3, 0)); // beams may end, and are fewer then
    expect(draft![1]!.ms).toBeLessThanOrEqual(COST('draft', 4, 0) + 1e-9);
  });

  it('tells of a chain what one more token costs', async () => {
    const { draft } = await measured(64, 1, COST);
    expect(rowsOf(draft!)).toEqual([1, 9]);
    expect(draft![0]!.ms).toBeLessThanOrEqual(COST('draft', 1, 0) + 1e-9);
  });

  it('is not misled by other work of the machine', async () => {
    const rng = createRng(1);
    const { target } = await measured(
      64,
      1,
      (model, rows, pass) => COST(model, rows, pass) + (rng() < 0.1 ? 9 : 0),
    );
    for (const { rows, ms } of target) expect(ms).toBeCloseTo(COST('target', rows, 0), 9);
  });

  it('asks a slow model for two widths alone', async () => {
    const { target, draft, ms } = await measured(64, 4, (_, rows) => 900 + rows);
    expect(rowsOf(target)).toEqual([1, 8]);
    expect(rowsOf(draft!)).toEqual([1, 4, 9]);
    expect(ms).toBeLessThan(40_000);
  });

  it('sees that a pass of eight rows costs less than one of five, in little time', async () => {
    const stairs = [22, 42, 47, 56, 78, 85, 93, 74, 98, 102, 108, 93, 126, 127, 130, 115, 139]; // 0.3 B of 8 bits, an EPYC
    const { target, ms } = await measured(64, 1, (model, rows) =>
      model === 'target' ? stairs[rows - 1]! : 0.3,
    );
    expect(passMs(target, 5)).toBeCloseTo(74, 9);
    expect(passMs(target, 8)).toBeCloseTo(74, 9);
    expect(passMs(target, 12)).toBeCloseTo(93, 9);
    expect(passMs(target, 16)).toBeCloseTo(115, 9);
    expect(ms).toBeLessThan(3000); // of the clock that says what passes cost
  });

  it('asks for no rows that the context has no room for', async () => {
    expect(rowsOf((await measured(PROMPT.length + 2, 2, COST)).target)).toEqual([1, 2, 3]);
    expect(rowsOf((await measured(PROMPT.length, 2, COST)).target)).toEqual([1]);
  });

  it('leaves both caches as the text is', async () => {
    const { cache } = await measured(64, 3, COST);
    for (const [model, fake] of [
      [cache.target, TARGET],
      [cache.draft!, DRAFT],
    ] as const) {
      const before = model.work.tokens;
      const [row] = await model.evaluate(PROMPT, [], [ROOT], READ);
      expect(row).toEqual(readLogits(fake, PROMPT, READ));
      expect(model.work.tokens - before).toBe(1);
    }
  });

  it('ends where it is interrupted, and says nothing then', async () => {
    const abort = new AbortController();
    const interrupting: Cost = (_, __, pass) => {
      if (pass === 3) abort.abort();
      return 1;
    };
    const { ms, target } = await measured(64, 4, interrupting, abort.signal);
    expect(target).toBeUndefined();
    expect(ms).toBeLessThan(25); // of more than a hundred passes
  });

  it('measures the target alone where no model drafts, and says nothing then either if it is interrupted', async () => {
    const cache = new CacheManager(new ModelCache(new FakeContext(TARGET)));
    await prefill(cache, PROMPT);
    let ms = 0;
    const judge = async (guesses: Draft) => {
      await cache.target.evaluate(PROMPT, guesses, [ROOT, ...guesses.keys()], READ);
      cache.rollback(PROMPT);
    };
    const measure = (signal?: AbortSignal) =>
      measureCosts(cache, PROMPT, 1, { guess: async () => [], judge, now: () => ms++, signal });
    const { target, draft } = (await measure())!;
    expect(draft).toBeUndefined();
    expect(rowsOf(target)).toContain(17);
    expect(await measure(AbortSignal.abort())).toBeUndefined();
  });
});

describe('withoutNoise', () => {
  it('takes nothing for dearer than what has more rows', () => {
    const times = [3, 2, 9, 4, 5].map((ms, i) => ({ rows: i + 1, ms }));
    expect(withoutNoise(times).map(({ ms }) => ms)).toEqual([2, 2, 4, 4, 5]);
  });
});
