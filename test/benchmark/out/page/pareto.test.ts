import { describe, expect, it } from 'vitest';
import { paretoFront } from '../../../../src/benchmark/out/page/pareto.js';

const point = (tokensPerSecond: number, perplexity: number) => ({ tokensPerSecond, perplexity });

describe('paretoFront', () => {
  it('keeps those that none beats in both, slowest first', () => {
    const [slow, fast, middle] = [point(10, 2), point(30, 6), point(20, 4)];
    expect(paretoFront([fast, point(15, 5), slow, point(9, 2.5), middle])).toEqual([slow, middle, fast]);
  });

  it('drops what is as fast and worse, or as good and slower', () => {
    const best = point(20, 3);
    expect(paretoFront([point(20, 4), best, point(10, 3)])).toEqual([best]);
  });

  it('keeps all equals', () => {
    const [one, other] = [point(20, 3), point(20, 3)];
    const front = paretoFront([one, point(10, 3), other]);
    expect(front).toHaveLength(2);
    expect(front[0]).toBe(one);
    expect(front[1]).toBe(other);
  });

  it('is what it is given, of one or none', () => {
    expect(paretoFront([])).toEqual([]);
    expect(paretoFront([point(1, 1)])).toEqual([point(1, 1)]);
  });

  it('leaves its argument as it was', () => {
    const points = [point(30, 6), point(10, 2)];
    paretoFront(points);
    expect(points).toEqual([point(30, 6), point(10, 2)]);
  });
});
