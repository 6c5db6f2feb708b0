import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { bytesOf, TENSOR_TYPES, type Tensor, type TensorType } from './gguf-writer.js';
import { encodeFloats } from './tensor-data.js';

/**
 * A prime, so that a cycle of the noise and the rows of a matrix (2, 3 or 5 times something) never fall into step. In
 * blocks of 32 it is cut to 7 × 31 × 151 of them.
 */
const NOISE_CYCLE = 1_048_573;

/**
 * Normal noise at the speed of copying: one table of draws, entered at a random place for each tensor and cycled.
 * Returns a function of a tensor's element count and their deviation, for the tensor's data. `largest` counts the
 * elements of the largest tensor: a small model needs no long table.
 */
export function noiseSource(seed: number, type: TensorType, largest: number) {
  const rng = xoroshiro128plus(seed);
  const { elements } = TENSOR_TYPES[type];
  const blocks = Math.floor(Math.min(NOISE_CYCLE, largest) / elements);
  const unit = normals(rng, blocks * elements);
  const tables = new Map<number, Uint8Array>(); // by deviation

  return (count: number, deviation: number): Tensor['data'] => {
    const table = tables.get(deviation) ?? bytesIn(unit, deviation, type);
    tables.set(deviation, table);
    const start = bytesOf(uniformInt(rng, 0, blocks - 1) * elements, type);
    return () => cycle(table, start, bytesOf(count, type));
  };
}

function bytesIn(unit: Float32Array, deviation: number, type: TensorType): Uint8Array {
  const { buffer } = encodeFloats(
    unit.map((x) => x * deviation),
    type,
  );
  return new Uint8Array(buffer);
}

function* cycle(table: Uint8Array, start: number, count: number) {
  let at = start;
  for (let left = count; left > 0; at = 0) {
    const chunk = table.subarray(at, at + left); // to the end of the table at most
    left -= chunk.length;
    yield chunk;
  }
}

/** Independent draws from N(0, 1), by Box and Muller's method. */
export function normals(rng: RandomGenerator, count: number): Float32Array {
  const draws = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(rng))); // 1 - [0, 1): never log 0
    const angle = 2 * Math.PI * uniformFloat64(rng);
    draws[i] = radius * Math.cos(angle);
    draws[i + 1] = radius * Math.sin(angle); // beyond the end of an odd count: ignored
  }
  return draws;
}

/** Fills an array with draws from N(0, deviation²). */
export type Fill = (values: Float32Array, deviation: number) => void;

/** One array after the other from one table of draws, cycled. */
export function noiseFill(seed: number): Fill {
  let unit: Float32Array | undefined; // drawn when the first is wanted
  let at = 0;
  return (values, deviation) => {
    unit ??= normals(xoroshiro128plus(seed), NOISE_CYCLE);
    for (let i = 0; i < values.length; i++) {
      values[i] = unit[at]! * deviation;
      at = at + 1 < unit.length ? at + 1 : 0;
    }
  };
}
