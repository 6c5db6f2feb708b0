import { describe, expect, it } from 'vitest';
import { topLogits } from '../../../src/engine/direct/top-logits.js';
import { createRng } from '../../../src/math/rng.js';

const NOT_SUMMED = { logSumExp: false };

/** Logits of which many are equal, negative or zero. */
function randomRow(seed: number, length: number): Float32Array {
  const rng = createRng(seed);
  return Float32Array.from({ length }, () => Math.round(8 * rng() - 4) / 2 || (rng() < 0.5 ? 0 : -0));
}

/** The obvious way: by logit, equal ones by lower id. */
function sorted(row: Float32Array): number[] {
  return [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b);
}

describe('topLogits', () => {
  it.each([1, 2, 10, 299, 300, 500, 0])(
    'lists the %d largest of 300 logits, equal ones by lower token id',
    (top) => {
      for (let seed = 1; seed <= 20; seed++) {
        const row = randomRow(seed, 300);
        const { tokens, logits } = topLogits(row, { top, ...NOT_SUMMED });
        expect([...tokens]).toEqual(sorted(row).slice(0, top || 300));
        expect([...logits].map((logit) => logit + 0)).toEqual([...tokens].map((token) => row[token]! + 0));
      }
    },
  );

  it('lists many of a large vocabulary as it lists few', () => {
    const row = randomRow(1, 150_000);
    row.fill(-Infinity, 0, 140_000);
    const tokens = (top: number) => [...topLogits(row, { top, ...NOT_SUMMED }).tokens];
    const all = tokens(0).slice(0, 10_000);
    for (const top of [1_999, 2_000, 2_001, 10_000, 140_000]) expect(tokens(top)).toEqual(all.slice(0, top));
  });

  it('keeps the order of floats of any size', () => {
    const row = Float32Array.of(1e-40, -1e-40, 3.4e38, -3.4e38, 1, -1, 1.0000001, 2 ** -126);
    for (const top of [0, 7])
      expect([...topLogits(row, { top, ...NOT_SUMMED }).tokens]).toEqual(sorted(row).slice(0, top || 8));
  });

  it('sums over the whole vocabulary, whatever is listed, and only on demand', () => {
    const row = Float32Array.of(1000, 1001, 999); // exp(1000) is no number
    const expected = 1001 + Math.log(1 + Math.exp(-1) + Math.exp(-2));
    const wide = new Float32Array(1000).fill(-Infinity);
    for (const at of [0, 400, 997]) {
      wide.fill(-Infinity).set(row, at);
      for (const vocabularySize of [at + 1, undefined]) // what is not read counts too
        expect(topLogits(wide, { top: 1, vocabularySize, logSumExp: true }).logSumExp).toBeCloseTo(
          expected,
          6,
        );
    }
    for (const top of [0, 1])
      expect(topLogits(row, { top, logSumExp: true }).logSumExp).toBeCloseTo(expected, 10);
    expect(topLogits(row, { top: 1, logSumExp: false }).logSumExp).toBeUndefined();
  });

  it('lists no token of logit -Infinity where it lists some', () => {
    const row = Float32Array.of(-Infinity, 2, -Infinity, 1);
    expect([...topLogits(row, { top: 3, ...NOT_SUMMED }).tokens]).toEqual([1, 3]);
  });

  it.each([Number.NaN, -Infinity])('refuses a row of nothing but %d', (value) => {
    for (const top of [0, 2])
      expect(() => topLogits(new Float32Array(8).fill(value), { top, ...NOT_SUMMED })).toThrow(/no numbers/);
  });

  it.each([
    { name: 'NaN', bits: 0x7fc00000 },
    { name: '-NaN, as processors compute it', bits: 0xffc00000 },
  ])('refuses a row with one $name in it, wherever it stands', ({ bits }) => {
    for (const length of [8, 64, 70])
      for (let at = 0; at < length; at++)
        for (const top of [0, 1, 5]) {
          const row = randomRow(1, length);
          new Uint32Array(row.buffer)[at] = bits;
          expect(() => topLogits(row, { top, ...NOT_SUMMED })).toThrow(/no numbers/);
          expect(() => topLogits(row, { top, ...NOT_SUMMED }, { allows: (token) => token !== at })).toThrow(
            /no numbers/,
          );
        }
    const row = randomRow(1, 150_000);
    new Uint32Array(row.buffer)[140_000] = bits;
    for (const top of [10, 10_000])
      expect(() => topLogits(row, { top, ...NOT_SUMMED })).toThrow(/no numbers/);
  });

  it('refuses infinite logits', () => {
    for (const top of [0, 1])
      expect(() => topLogits(Float32Array.of(1, Infinity, 2), { top, ...NOT_SUMMED })).toThrow(/no numbers/);
  });
});
