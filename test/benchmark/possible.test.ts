import { describe, expect, it } from 'vitest';
import { bareMs } from '../../src/benchmark/costs.js';
import type { PassCost } from '../../src/benchmark/report.js';
import { fakeGeneration, UNTOLD } from '../support/fake-generation.js';

const COSTS: PassCost[] = [
  { engine: 'direct', model: 'target', tokens: 1, ms: 40 },
  { engine: 'direct', model: 'target', tokens: 5, ms: 50 },
  { engine: 'direct', model: 'draft', tokens: 1, ms: 3 },
  { engine: 'direct', model: 'draft', tokens: 5, ms: 7 },
  { engine: 'bindings', model: 'target', tokens: 1, ms: 1000 },
];

const bare = (target: [number, number][], draft: [number, number][], engine = 'direct') =>
  bareMs(fakeGeneration({ engine, passes: { target, draft } }), COSTS);

describe('what the passes of a generation cost bare', () => {
  it('is the sum over both models, each pass by its size', () => {
    const target: [number, number][] = [
      [5, 10],
      [1, 2],
    ];
    expect(bare(target, [[1, 30]])).toBe(10 * 50 + 2 * 40 + 30 * 3);
    expect(bare([[5, 1]], [[5, 1]])).toBe(50 + 7); // the models are not mixed up
    expect(bare([[1, 1]], [], 'bindings')).toBe(1000); // nor the engines
    expect(bare([], [])).toBe(0);
  });

  it('is not known where a size was not measured, or on that engine, or the passes were not told', () => {
    expect(bare([[4, 1]], [])).toBeNaN();
    expect(bare([[1, 1]], [[2, 1]])).toBeNaN();
    expect(bare([[5, 1]], [], 'bindings')).toBeNaN();
    expect(bareMs(fakeGeneration(UNTOLD), COSTS)).toBeNaN();
  });
});
