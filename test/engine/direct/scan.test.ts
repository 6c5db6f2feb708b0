import { describe, expect, it } from 'vitest';
import { scanModule } from '../../../scripts/make-scan.js';
import { BLOCK, canScan, MODULE, scanOf } from '../../../src/engine/direct/scan.js';
import { createRng } from '../../../src/math/rng.js';

describe('the scan of a row', () => {
  it('is what its script assembles', () => {
    expect(MODULE).toBe(Buffer.from(scanModule()).toString('base64'));
    expect(canScan()).toBe(true);
  });

  it('finds the next block with a larger float or a NaN, wherever it stands in it', () => {
    const rng = createRng(11);
    for (const blocks of [1, 3, 5000]) {
      const row = Float32Array.from({ length: blocks * BLOCK }, () => 2 * rng() - 1);
      const { next } = scanOf(row);
      for (const least of [-Infinity, -0.5, 0, 0.99, 1, Infinity])
        for (let from = 0; from < row.length; from += BLOCK * Math.ceil(blocks / 7)) {
          const found = row.findIndex((logit, token) => token >= from && logit > least);
          const expected = found === -1 ? row.length : found - (found % BLOCK);
          expect(next(from, row.length, least)).toBe(expected);
        }
    }
    for (const found of [1, Number.NaN])
      for (let at = 0; at < 4 * BLOCK; at++) {
        const row = new Float32Array(4 * BLOCK);
        row[at] = found;
        expect(scanOf(row).next(0, row.length, 0)).toBe(at - (at % BLOCK));
      }
  });

  it('sums exponentials to seven digits, whatever lies in the row', () => {
    const rng = createRng(12);
    for (const spread of [0.01, 1, 20, 80, 500])
      for (const blocks of [1, 3, 8000]) {
        const row = Float32Array.from({ length: blocks * BLOCK }, (_, i) =>
          i % 5 === 4 ? -Infinity : spread * (2 * rng() - 1),
        );
        const max = row.reduce((a, b) => Math.max(a, b));
        const expected = row.reduce((sum, logit) => sum + Math.exp(logit - max), 0);
        expect(scanOf(row).expSum(row.length, max) / expected).toBeCloseTo(1, 7);
      }
  });

  it('makes the sum a NaN where a float is one', () => {
    for (let at = 0; at < 2 * BLOCK; at++) {
      const row = new Float32Array(2 * BLOCK);
      row[at] = Number.NaN;
      expect(scanOf(row).expSum(row.length, 0)).toBeNaN();
    }
  });
});
