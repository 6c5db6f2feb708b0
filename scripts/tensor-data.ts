import type { TensorType } from './gguf-writer.js';
import { bfloat16Bits, bfloat16Value, float16Bits, float16Value } from './half-floats.js';
import { decodeQ8, encodeQ8 } from './q8-blocks.js';

/**
 * Numbers as a tensor of `type` stores them, rounded to the nearest, half floats' ties to even; whole blocks of them.
 * The result has the machine's byte order, which is GGUF's (little-endian) wherever llama.cpp has binaries.
 */
export function encodeFloats(
  values: Float32Array,
  type: TensorType,
): Float32Array | Uint16Array | Uint8Array {
  if (type === 'F32') return values;
  if (type === 'Q8_0') return encodeQ8(values);
  const round = type === 'F16' ? float16Bits : bfloat16Bits;
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) halves[i] = round(bits[i]!); // Uint16Array.from takes five times as long
  return halves;
}

/** The numbers that `encodeFloats` stored in these bytes. */
export function decodeFloats(bytes: Uint8Array, type: TensorType): Float32Array {
  if (type === 'Q8_0') return decodeQ8(bytes);
  const { buffer } = new Uint8Array(bytes); // a copy, aligned
  if (type === 'F32') return new Float32Array(buffer);
  const value = type === 'F16' ? float16Value : bfloat16Value;
  const halves = new Uint16Array(buffer);
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = value(halves[i]!);
  return values;
}
