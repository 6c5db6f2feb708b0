import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, it } from 'vitest';
import { float16Value } from '../../scripts/half-floats.js';
import { decodeQ8, encodeQ8 } from '../../scripts/q8-blocks.js';

describe('Q8_0', () => {
  it('is a binary16 scale and 32 signed bytes for each block', () => {
    const values = new Float32Array(64);
    values.set([127, -127, 63.4, -63.6, 0.4], 0); // d = 1
    values.set([-63.5, 1, 0.25], 32); // d = 0.5
    const bytes = encodeQ8(values);
    expect(bytes).toHaveLength(68);
    expect([...bytes.subarray(0, 2)]).toEqual([0x00, 0x3c]); // 1 as binary16, little-endian
    expect([...new Int8Array(bytes.buffer, 2, 6)]).toEqual([127, -127, 63, -64, 0, 0]);
    expect([...bytes.subarray(34, 36)]).toEqual([0x00, 0x38]); // 0.5
    expect([...new Int8Array(bytes.buffer, 36, 4)]).toEqual([-127, 2, 1, 0]); // 0.25 is half a step: up
  });

  it('moves no element by more than half a step, which is 1/127 of the largest', () => {
    const rng = xoroshiro128plus(3);
    for (let magnitude = 2 ** -12; magnitude < 2 ** 12; magnitude *= 2) {
      const values = Float32Array.from({ length: 320 }, () => (2 * uniformFloat64(rng) - 1) * magnitude);
      const bytes = encodeQ8(values);
      const decoded = decodeQ8(bytes);
      for (let block = 0; block < 10; block++) {
        const own = values.subarray(32 * block, 32 * block + 32);
        const d = float16Value(bytes[34 * block]! | (bytes[34 * block + 1]! << 8));
        const largest = Math.max(...own.map(Math.abs));
        expect(Math.abs(d - largest / 127)).toBeLessThanOrEqual(Math.max(d / 2 ** 11, 2 ** -25));
        // A scale rounded down leaves the largest a little above 127 of its steps.
        const clipped = Math.max(0, largest - 127 * d);
        for (const [i, value] of own.entries())
          expect(Math.abs(decoded[32 * block + i]! - value)).toBeLessThanOrEqual(
            Math.max((d / 2) * (1 + 1e-6), clipped),
          );
      }
    }
  });

  it('keeps zeros, and makes them of numbers too small for a scale', () => {
    expect(decodeQ8(encodeQ8(new Float32Array(32)))).toEqual(new Float32Array(32));
    expect(decodeQ8(encodeQ8(new Float32Array(32).fill(1e-9)))).toEqual(new Float32Array(32));
  });

  it('refuses what does not fill its last block', () => {
    expect(() => encodeQ8(new Float32Array(48))).toThrow(/blocks of 32 elements, not 48/);
  });
});
