import type { Tensor, TensorType } from './gguf-writer.js';
import type { Fill } from './noise.js';
import { encodeFloats } from './tensor-data.js';

/** A vector of the source inside a longer one: each number in as many neighbouring places as there are scales. */
export interface Axis {
  readonly source: number; // numbers in the source's vector
  readonly length: number; // at least source × scales; the places left over come last
  readonly scales: readonly number[]; // of the copies of each number
}

/** As many copies as there is room for, with scales from 1 up to nearly 1 + spread. */
export function axis(source: number, length: number, spread: number): Axis {
  const copies = Math.floor(length / source);
  return { source, length, scales: Array.from({ length: copies }, (_, k) => 1 + (spread * k) / copies) };
}

export interface WidenedMatrix {
  readonly name: string;
  readonly type: TensorType;
  readonly values: Float32Array; // of the source, its rows one after the other: a row for each output
  readonly inputs: Axis;
  readonly outputs: Axis;
  readonly read: (scale: number) => number; // factor of the columns that read a copy of this scale
  readonly write: (scale: number) => number; // factor of the rows that write one
  readonly together: number; // outputs that are repeated as a whole: 1, or a head whose pairs positions turn
  readonly spare: Fill; // for the rows and columns of places left over
}

const CHUNK = 2 ** 18; // elements encoded at a time, or one row

export function widenedMatrix(matrix: WidenedMatrix): Tensor {
  const { name, type, inputs, outputs } = matrix;
  return {
    name,
    type,
    dims: [inputs.length, outputs.length],
    *data() {
      const rowsAtOnce = Math.max(1, Math.floor(CHUNK / inputs.length));
      for (let first = 0; first < outputs.length; first += rowsAtOnce) {
        const rows = Math.min(rowsAtOnce, outputs.length - first);
        const chunk = new Float32Array(rows * inputs.length);
        for (let r = 0; r < rows; r++)
          fillRow(matrix, first + r, chunk.subarray(r * inputs.length, (r + 1) * inputs.length));
        yield encodeFloats(chunk, type);
      }
    },
  };
}

function fillRow(matrix: WidenedMatrix, index: number, row: Float32Array): void {
  const { values, inputs, outputs, read, write, together, spare } = matrix;
  const copies = outputs.scales.length;
  const deviation = 1 / Math.sqrt(row.length);
  if (index >= outputs.source * copies) {
    spare(row, deviation);
    return;
  }
  const group = Math.floor(index / (together * copies)); // all copies of the same outputs
  const output = group * together + (index % together);
  const gain = write(outputs.scales[Math.floor(index / together) % copies]!);
  const factors = inputs.scales.map((scale) => gain * read(scale));
  let place = 0;
  for (let i = output * inputs.source; i < (output + 1) * inputs.source; i++)
    for (const factor of factors) row[place++] = values[i]! * factor;
  spare(row.subarray(place), deviation);
}
