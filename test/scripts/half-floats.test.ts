import { describe, expect, it } from 'vitest';
import {
  bfloat16Bits,
  bfloat16Value,
  float16Bits,
  float16Value,
  floatBits,
} from '../../scripts/half-floats.js';

describe.each([
  { name: 'binary16', toBits: float16Bits, toValue: float16Value, mantissa: 10, least: 2 ** -14 },
  { name: 'bfloat16', toBits: bfloat16Bits, toValue: bfloat16Value, mantissa: 7, least: 2 ** -126 },
])('$name', ({ toBits, toValue, mantissa, least }) => {
  const all = Array.from({ length: 0x10000 }, (_, bits) => bits);

  it('keeps each of its numbers', () => {
    const changed = all.filter(
      (bits) => !Number.isNaN(toValue(bits)) && toBits(floatBits(toValue(bits))) !== bits,
    );
    expect(changed).toEqual([]);
  });

  it('takes the nearest number, of two as near the even one', () => {
    const normal = all.filter((bits) => bits < 0x7f00 && toValue(bits) >= least && toValue(bits) < 60000);
    const ulp = (value: number) => 2 ** (Math.floor(Math.log2(value)) - mantissa);
    const wrong = normal.filter((bits) => {
      const value = toValue(bits);
      const up = (share: number) => toBits(floatBits(value + share * ulp(value)));
      return up(0.25) !== bits || up(0.75) !== bits + 1 || up(0.5) !== bits + (bits & 1);
    });
    expect(normal.length).toBeGreaterThan(10_000);
    expect(wrong).toEqual([]);
  });
});
