import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { bestPlaces, type Placed, placementsOf, quicker, threadCounts } from '../../src/tune/placement.js';
import type { Placement } from '../../src/tuning/profile.js';

/** @param plain milliseconds of a pass of the target over one row, @param five over five, @param draft of the draft model */
function placed(placement: Placement, plain: number, five: number, draft: number): Placed {
  const target = [
    { rows: 1, ms: plain },
    { rows: 5, ms: five },
  ];
  return { placement, curves: { target, draft: [{ rows: 1, ms: draft }] } };
}

describe('threadCounts', () => {
  it.each([
    [1, [1]],
    [2, [1, 2]],
    [12, [1, 2, 4, 8, 12]],
    [16, [1, 2, 4, 8, 16]],
  ])('doubles up to %i processors', (processors, counts) => {
    expect(threadCounts(processors)).toEqual(counts);
  });
});

describe('placementsOf', () => {
  const engineOf = (backend: string) => ({ engine: { backend } }) as Parameters<typeof placementsOf>[0];
  const counts = threadCounts(availableParallelism());

  it('tries numbers of threads unless one is said', () => {
    const threads = counts.map((threads) => ({ threads }));
    expect(placementsOf(engineOf('cpu'), {}, false)).toEqual(counts.length > 1 ? threads : []);
    expect(placementsOf(engineOf('cpu'), { threads: 1 }, false)).toEqual([]);
  });

  it('tries the draft model on the processor too where there is a GPU, unless its place is said', () => {
    expect(placementsOf(engineOf('vulkan'), { threads: 1 }, false)).toEqual([{}, { draftGpuLayers: 0 }]);
    expect(placementsOf(engineOf('vulkan'), {}, false)).toHaveLength(2 * counts.length);
    expect(placementsOf(engineOf('vulkan'), { threads: 1 }, true)).toEqual([]);
  });
});

describe('bestPlaces', () => {
  it('takes the best for each model, and for plain passes', () => {
    const places = bestPlaces(
      [
        placed({ threads: 1 }, 10, 40, 1),
        placed({ threads: 2 }, 9, 25, 2),
        placed({ threads: 4 }, 20, 24.9, 3), // hardly shorter
      ],
      false,
    );
    expect(places.plain).toEqual({ threads: 2 });
    expect(places.drafting).toEqual({ threads: 2, draftThreads: 1 });
  });

  it('gives plain decoding the threads that suit it, which may be others', () => {
    const few = placed({ threads: 1 }, 5, 40, 1);
    const { plain, drafting } = bestPlaces([few, placed({ threads: 2 }, 10, 20, 1)], false);
    expect(plain).toEqual({ threads: 1 });
    expect(drafting).toEqual({ threads: 2, draftThreads: 1 });
  });

  it('puts a draft model on the processor where its passes are shorter there', () => {
    const onGpu = placed({}, 5, 5.2, 1);
    const onProcessor = placed({ draftGpuLayers: 0 }, 5.1, 5.1, 0.2);
    expect(bestPlaces([onGpu, onProcessor], true).drafting).toEqual({ draftGpuLayers: 0 });
    expect(bestPlaces([onGpu, placed({ draftGpuLayers: 0 }, 5, 5, 2)], true).drafting).toEqual({});
  });

  it('takes the shorter of two measurements', () => {
    const [cold, warm] = [placed({}, 5, 5.2, 1), placed({}, 5, 5.2, 0.5)];
    expect(quicker(warm, cold)).toBe(warm);
    expect(quicker(cold, warm)).toBe(warm);
    expect(quicker(cold)).toBe(cold);
  });

  it('leaves all to the engine where nothing was tried', () => {
    expect(bestPlaces([], false)).toEqual({ plain: {}, drafting: {} });
  });
});
