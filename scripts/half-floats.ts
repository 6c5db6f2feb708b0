import type { TensorType } from './gguf-writer.js';

/**
 * Numbers as a tensor of `type` stores them, rounded to the nearest, ties to even.
 * The result has the machine's byte order, which is GGUF's (little-endian) wherever llama.cpp has binaries.
 */
export function encodeFloats(values: Float32Array, type: TensorType): Float32Array | Uint16Array {
  if (type === 'F32') return values;
  const round = type === 'F16' ? float16Bits : bfloat16Bits;
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, round);
}

/** IEEE 754 binary16 from the 32 bits of a binary32: 1 sign, 5 exponent (bias 15), 10 mantissa bits. */
export function float16Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520, halfway from the largest (65504) to 2^16: infinity
  if (magnitude < 0x38800000) return sign | subnormal(magnitude); // below 2^-14
  return sign | (roundOff(magnitude, 13) - ((127 - 15) << 10)); // a carry out of the mantissa is right: next exponent
}

/** bfloat16 from the 32 bits of a binary32: its upper half, 8 exponent and 7 mantissa bits. */
export function bfloat16Bits(bits: number): number {
  const magnitude = bits & 0x7fffffff;
  const sign = (bits >>> 16) & 0x8000;
  return sign | (magnitude > 0x7f800000 ? 0x7fc0 : roundOff(magnitude, 16));
}

/** A binary16 below 2^-14 counts multiples of 2^-24. */
function subnormal(magnitude: number): number {
  const drop = 126 - (magnitude >>> 23); // bits below 2^-24: 14 at 2^-15, 24 at 2^-25
  if (drop > 24) return 0; // less than half of 2^-24
  return roundOff((magnitude & 0x7fffff) | 0x800000, drop);
}

/** Drops the lowest `count` bits, rounding to the nearest, ties to even. */
function roundOff(value: number, count: number): number {
  const odd = (value >>> count) & 1;
  return (value + (1 << (count - 1)) - 1 + odd) >>> count;
}
