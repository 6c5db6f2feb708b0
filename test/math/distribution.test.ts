import { describe, expect, it } from 'vitest';
import { argmax, certain, excerpt, logProbOf, logSumExp, normalise } from '../../src/math/distribution.js';
import { fakeDistribution } from '../support/fake-distribution.js';

describe('logProbOf', () => {
  it('is the log of the probability, and -Infinity for a token that was cut off', () => {
    const p = fakeDistribution(0.25, 0.75, 0);
    expect(logProbOf(p, 0)).toBeCloseTo(Math.log(0.25), 12);
    expect(logProbOf(p, 1)).toBeCloseTo(Math.log(0.75), 12);
    expect(logProbOf(p, 2)).toBe(-Infinity);
  });
});

describe('argmax', () => {
  it('is the most likely token, among equal ones the lowest', () => {
    expect(argmax(fakeDistribution(0.2, 0.5, 0.3))).toBe(1);
    expect(argmax(fakeDistribution(0.2, 0.4, 0.4))).toBe(1);
  });
});

describe('certain', () => {
  it('is one token and no other', () => {
    expect(certain(7)).toEqual({ tokens: Int32Array.of(7), logProbs: Float64Array.of(0) });
  });
});

describe('excerpt', () => {
  it('knows the log-probabilities that it was given, to the last bit', () => {
    const p = excerpt([7, 3], [-Math.PI, -Infinity]);
    expect(logProbOf(p, 7)).toBe(-Math.PI);
    expect(logProbOf(p, 3)).toBe(-Infinity);
  });
});

describe('logSumExp', () => {
  it('is the log of the sum of the exponentials', () => {
    expect(logSumExp(Float64Array.of(Math.log(2), Math.log(3), Math.log(5)))).toBeCloseTo(Math.log(10), 12);
  });

  it('neither overflows nor underflows', () => {
    expect(logSumExp(Float64Array.of(1e5, 1e5))).toBeCloseTo(1e5 + Math.log(2), 9);
    expect(logSumExp(Float64Array.of(-1e5, -1e5))).toBeCloseTo(-1e5 + Math.log(2), 9);
  });

  it('counts -Infinity as nothing, and is -Infinity for nothing', () => {
    expect(logSumExp(Float64Array.of(-Infinity, 1))).toBe(1);
    expect(logSumExp(Float64Array.of(-Infinity, -Infinity))).toBe(-Infinity);
    expect(logSumExp(new Float64Array())).toBe(-Infinity);
  });
});

describe('normalise', () => {
  it('keeps the proportions and makes the sum one', () => {
    const { tokens, logProbs } = normalise(Int32Array.of(7, 3), Float64Array.of(Math.log(6), Math.log(2)));
    expect([...tokens]).toEqual([7, 3]);
    expect(Math.exp(logProbs[0]!)).toBeCloseTo(0.75, 12);
    expect(Math.exp(logProbs[1]!)).toBeCloseTo(0.25, 12);
  });
});
