import type { StoredTensor } from './gguf-reader.js';
import type { Tensor, TensorType } from './gguf-writer.js';
import { noiseFill } from './noise.js';
import { type Axis, type WidenedMatrix, widenedMatrix } from './widened-matrix.js';

/** The vectors that pass between matrices. */
export interface Axes {
  readonly stream: Axis;
  readonly attention: Axis; // what the heads found, one head after the other
  readonly hidden: Axis; // of the feed-forward part
}

export interface TensorOptions {
  readonly layers: number;
  readonly type: TensorType;
  readonly headSize: number;
  readonly power: number; // mean square of the widened stream ÷ that of the source's
}

const SEED = 1; // of the noise

/** Under llama.cpp's names; the embedding is tied, as the source's. */
export function widenedTensors(
  source: readonly StoredTensor[],
  { stream, attention, hidden }: Axes,
  { layers, type, headSize, power }: TensorOptions,
): Tensor[] {
  const noise = noiseFill(SEED);
  const zero = () => {};
  const tensors = new Map(source.map((tensor) => [tensor.name, tensor]));
  const copies = stream.scales.length;

  /** A layer that the source does not have consists of spare places. */
  const matrix = (options: Omit<WidenedMatrix, 'type' | 'values'>): Tensor => {
    const values = tensors.get(options.name)?.values();
    const outputs = values ? options.outputs : { ...options.outputs, source: 0 };
    return widenedMatrix({ ...options, type, values: values ?? new Float32Array(0), outputs });
  };

  /** Reads the stream through a norm, which divides by the number of copies. */
  const reader = (name: string, outputs: Axis, write: (scale: number) => number, together = 1) =>
    matrix({ name, inputs: stream, outputs, read: (scale) => 1 / scale, write, together, spare: noise });

  /** Adds to the stream the mean of what the copies in `inputs` give. */
  const writer = (name: string, inputs: Axis) => {
    const read = (scale: number) => 1 / scale / inputs.scales.length;
    return matrix({ name, inputs, outputs: stream, read, write: scaled, together: 1, spare: zero });
  };

  /** Gives back what the source's norm gives, each copy by its own scale and ÷ copies, times `gain` of that scale. */
  const norm = (name: string, gain: (scale: number) => number): Tensor => ({
    name,
    dims: [stream.length],
    type: 'F32',
    data: () => {
      const weights = tensors.get(name)?.values() ?? [];
      const widened = new Float32Array(stream.length).fill(1);
      for (const [i, weight] of weights.entries())
        for (const [k, scale] of stream.scales.entries())
          widened[i * copies + k] = ((weight * Math.sqrt(power)) / copies) * gain(scale);
      return [widened];
    },
  });

  const layer = (n: number): Tensor[] => [
    norm(`blk.${n}.attn_norm.weight`, alike),
    norm(`blk.${n}.ffn_norm.weight`, alike),
    reader(`blk.${n}.attn_q.weight`, attention, alike, headSize),
    reader(`blk.${n}.attn_k.weight`, attention, alike, headSize),
    reader(`blk.${n}.attn_v.weight`, attention, scaled),
    writer(`blk.${n}.attn_output.weight`, attention),
    reader(`blk.${n}.ffn_gate.weight`, hidden, alike),
    reader(`blk.${n}.ffn_up.weight`, hidden, scaled),
    writer(`blk.${n}.ffn_down.weight`, hidden),
  ];

  const embedding = tensors.get('token_embd.weight')!;
  const tokens: Axis = { source: embedding.dims[1]!, length: embedding.dims[1]!, scales: [1] };
  return [
    matrix({
      name: embedding.name,
      inputs: stream,
      outputs: tokens,
      read: scaled, // into the stream; where its rows read the stream again, the last norm makes up for it
      write: alike,
      together: 1,
      spare: zero,
    }),
    ...Array.from({ length: layers }, (_, n) => layer(n)).flat(),
    norm('output_norm.weight', (scale) => 1 / scale ** 2),
  ];
}

/** How copies differ: not at all, or by their scales. */
const alike = () => 1;
const scaled = (scale: number) => scale;
