import { describe, expect, it } from 'vitest';
import type { Pass } from '../../src/engine/port.js';
import { measureCosts, withoutNoise } from '../../src/tuning/measure-costs.js';
import { ROOT } from '../../src/types.js';
import { DRAFT, readLogits, TARGET } from '../support/fake-model.js';
import { fakePair } from '../support/fake-pair.js';
import { PROMPT, prefill } from '../support/fake-run.js';

const READ = { top: 3, logSumExp: false };

/** Both caches behind the prompt, on a clock that says what the passes since the start should have cost. */
async function measured(
  capacity: number,
  beams: number,
  msOf: (rows: number, pass: number) => number,
  signal?: AbortSignal,
) {
  let ms = 0;
  let passes = 0;
  const { cache, target, draft } = fakePair({ capacity, draftSequences: beams });
  await prefill(cache, PROMPT);
  for (const context of [target, draft]) {
    const run = context.run.bind(context);
    context.run = async (pass: Pass) => {
      const answer = await run(pass);
      ms += msOf(pass.batch.length, passes++) + answer.waitMs; // what was waited for others is no cost
      return answer;
    };
  }
  const curves = await measureCosts(cache, PROMPT, beams, { read: READ, now: () => ms, signal });
  return { ...curves!, cache, ms };
}

describe('measureCosts', () => {
  it('finds what a pass costs by its rows, of both models', async () => {
    const { target, draft } = await measured(64, 4, (rows) => 2 + rows / 8);
    expect(target.map(({ rows }) => rows)).toEqual([1, 2, 3, 4, 5, 7, 9, 11, 13, 17]);
    for (const { rows, ms } of target) expect(ms).toBeCloseTo(2 + rows / 8, 9);
    expect(draft!.map(({ rows }) => rows)).toEqual([1, 4, 9]);
    for (const { rows, ms } of draft!) expect(ms).toBeCloseTo(2 + rows / 8, 9);
  });

  it('is not misled by other work of the machine', async () => {
    const { target } = await measured(64, 1, (rows, pass) => 2 + rows / 8 + (pass % 4 === 1 ? 0 : 9));
    for (const { rows, ms } of target) expect(ms).toBeCloseTo(2 + rows / 8, 9);
  });

  it('asks a slow model for two widths alone', async () => {
    const { target, draft, ms } = await measured(64, 4, (rows) => 900 + rows);
    expect(target.map(({ rows }) => rows)).toEqual([1, 5]);
    expect(draft!.map(({ rows }) => rows)).toEqual([1, 4]);
    expect(ms).toBeLessThan(10_000);
  });

  it('asks for no rows that the context has no room for', async () => {
    const { target, draft } = await measured(PROMPT.length + 2, 2, () => 1);
    expect(target.map(({ rows }) => rows)).toEqual([1, 2, 3]);
    expect(draft!.map(({ rows }) => rows)).toEqual([1, 2]);
    expect((await measured(PROMPT.length, 2, () => 1)).target).toHaveLength(1);
  });

  it('leaves both caches as the text is', async () => {
    const { cache } = await measured(64, 3, () => 1);
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
    const { ms, target } = await measured(
      64,
      4,
      (_, pass) => {
        if (pass === 3) abort.abort();
        return 1;
      },
      abort.signal,
    );
    expect(target).toBeUndefined();
    expect(ms).toBeLessThan(20); // of some sixty passes
  });
});

describe('withoutNoise', () => {
  it('takes nothing for dearer than what has more rows', () => {
    const times = [3, 2, 9, 4, 5].map((ms, i) => ({ rows: i + 1, ms }));
    expect(withoutNoise(times).map(({ ms }) => ms)).toEqual([2, 2, 4, 4, 5]);
  });
});
