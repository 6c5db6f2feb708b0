/** Half floats and the 32 bits of a binary32: rounded to the nearest one way, ties to even, exact the other. */

const float = new Float32Array(1);
const bitsOf = new Uint32Array(float.buffer);

/** The 32 bits of a number as a binary32. */
export function floatBits(value: number): number {
  float[0] = value;
  return bitsOf[0]!;
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

export function float16Value(bits: number): number {
  const sign = bits & 0x8000;
  const magnitude = bits & 0x7fff;
  if (magnitude < 0x400) return (sign ? -magnitude : magnitude) / 2 ** 24; // subnormal
  const rebias = magnitude < 0x7c00 ? 127 - 15 : 255 - 31; // infinity and NaN have the highest exponent
  bitsOf[0] = (sign << 16) | ((magnitude << 13) + (rebias << 23));
  return float[0]!;
}

export function bfloat16Value(bits: number): number {
  bitsOf[0] = bits << 16;
  return float[0]!;
}
