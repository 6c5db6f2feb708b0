/**
 * ggml's Q8_0: 32 neighbours of a row share a scale d, a binary16 in the first two bytes, and are d times the int8 in
 * the other 32. d is the largest magnitude ÷ 127. Source: quantize_row_q8_0_ref in ggml-quants.c; other than there the
 * elements are divided by d as it is stored, so that d's own rounding moves none of them.
 */
import { TENSOR_TYPES } from './gguf-writer.js';
import { float16Bits, float16Value, floatBits } from './half-floats.js';

const { elements: ELEMENTS, bytes: BYTES } = TENSOR_TYPES.Q8_0;

/** @throws RangeError for what does not fill its last block */
export function encodeQ8(values: Float32Array): Uint8Array {
  const blocks = values.length / ELEMENTS;
  if (!Number.isInteger(blocks))
    throw new RangeError(`Q8_0 stores blocks of ${ELEMENTS} elements, not ${values.length} elements`);
  const bytes = new Uint8Array(blocks * BYTES);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++)
    encodeBlock(values.subarray(block * ELEMENTS, (block + 1) * ELEMENTS), view, block * BYTES);
  return bytes;
}

function encodeBlock(values: Float32Array, view: DataView, at: number): void {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  const scale = float16Bits(floatBits(largest / 127));
  const d = float16Value(scale);
  view.setUint16(at, scale, true);
  if (d === 0) return;
  for (let i = 0; i < ELEMENTS; i++)
    view.setInt8(at + 2 + i, Math.max(-127, Math.min(127, Math.round(values[i]! / d))));
}

export function decodeQ8(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array((bytes.length / BYTES) * ELEMENTS);
  for (let at = 0, i = 0; at < bytes.length; at += BYTES) {
    const d = float16Value(view.getUint16(at, true));
    for (let k = 0; k < ELEMENTS; k++) values[i++] = d * view.getInt8(at + 2 + k);
  }
  return values;
}
