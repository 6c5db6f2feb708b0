/**
 * A llama of any larger size that computes what a smaller one does. Every vector carries each number of the source in
 * neighbouring places, in as many copies as there is room for. Matrices write all copies and read their mean. Places
 * left over stay zero in the residual stream; elsewhere they hold noise, and what they hold is multiplied by zero.
 * Layers behind the source's own are noise that writes zeros.
 *
 * llama.cpp rounds activations to the format of the matrix they are multiplied with. Copies whose scales differ a little
 * are rounded differently, and their mean is several times closer to the source than one of them.
 */
import type { StoredGguf } from './gguf-reader.js';
import { type GgufContents, type Metadata, TENSOR_TYPES, type TensorType } from './gguf-writer.js';
import { type Axis, axis } from './widened-matrix.js';
import { type Axes, widenedTensors } from './widened-tensors.js';

export interface WidenedShape {
  readonly width: number; // of the residual stream; a multiple of the size of the source's heads, which stays
  readonly layers: number;
  readonly ffn: number; // hidden width of the feed-forward part; a multiple of 32
  readonly type: TensorType; // of the matrices; norms are F32
}

/** What the file says of itself to a reader of its figures. */
const CAVEAT =
  "A large model's cost with a small model's wits: the embedded story model, widened with copies of itself and noise";

/**
 * How far the scales of the copies range, best by simulation. Floats: 0.87 of a step of the mantissa, so that the copies
 * sample the error of rounding over one period of it. Q8_0: its steps are 1/127 of the largest of 32 neighbours, however
 * small the element, so the scales lie further apart; neighbours that are copies also keep that largest near.
 *
 * Largest and mean difference from the source's log-probabilities (CPU, ten likeliest tokens of 200 positions), in 2048 x
 * 6 with eight copies, and with zeros in their place: F16 0.011, 0.0009 (0.009, 0.0008); BF16 0.015, 0.0018 (0.057,
 * 0.0076); Q8_0 0.038, 0.0062 (0.19, 0.024). The source itself differs by 0.009 between batches of 1 and 100 tokens.
 * Q8_0 has a Q8_0 embedding, as llama-quantize gives it where it is tied: an F16 one, mean 0.0050, costs something else.
 */
const SPREAD: Record<TensorType, number> = { F32: 0, F16: 0.87 / 2 ** 10, BF16: 0.87 / 2 ** 7, Q8_0: 0.1 };

/** @throws RangeError for a shape that does not hold the source */
export function widenedModel(source: StoredGguf, shape: WidenedShape): GgufContents {
  const from = sizesOf(source.metadata);
  check(shape, from);
  const spread = SPREAD[shape.type];
  const axes: Axes = {
    stream: axis(from.width, shape.width, spread),
    attention: axis(from.width, shape.width, spread),
    hidden: axis(from.ffn, shape.ffn, spread),
  };
  const power = powerOf(axes.stream);
  const norms = { 'llama.attention.layer_norm_rms_epsilon': { f32: from.epsilon * power } };
  return {
    metadata: { ...source.metadata, ...description(source.metadata, shape), ...sizes(shape, from), ...norms },
    tensors: widenedTensors(source.tensors, axes, { ...shape, headSize: from.headSize, power }),
  };
}

/** Mean square of a widened vector ÷ that of the source's. */
const powerOf = ({ source, length, scales }: Axis): number =>
  (source / length) * scales.reduce((sum, scale) => sum + scale ** 2, 0);

interface SourceSizes {
  readonly width: number;
  readonly layers: number;
  readonly ffn: number;
  readonly headSize: number;
  readonly epsilon: number; // added to mean squares by the norms
}

function sizesOf(metadata: Metadata): SourceSizes {
  const number = (key: string) => Number(Object.values(metadata[`llama.${key}`] ?? {})[0]);
  const width = number('embedding_length');
  return {
    width,
    layers: number('block_count'),
    ffn: number('feed_forward_length'),
    headSize: width / number('attention.head_count'),
    epsilon: number('attention.layer_norm_rms_epsilon'),
  };
}

function check(shape: WidenedShape, from: SourceSizes): void {
  for (const name of ['width', 'layers', 'ffn'] as const)
    if (!(Number.isInteger(shape[name]) && shape[name] >= from[name]))
      throw new RangeError(
        `--${name} ${shape[name]} is not a whole number from the source's ${from[name]} up`,
      );
  const block = TENSOR_TYPES.Q8_0.elements;
  if (shape.width % from.headSize !== 0)
    throw new RangeError(`--width ${shape.width} is not a multiple of ${from.headSize}, the size of a head`);
  if (shape.ffn % block !== 0)
    throw new RangeError(`--ffn ${shape.ffn} is not a multiple of ${block}, the size of a block of Q8_0`);
}

function description(metadata: Metadata, { width, layers, type }: WidenedShape): Metadata {
  const [name] = Object.values(metadata['general.name'] ?? {});
  return {
    'general.name': { string: `${name}, widened to ${width} x ${layers}` },
    'general.description': { string: CAVEAT },
    'general.file_type': { u32: TENSOR_TYPES[type].fileType },
    'mtad.caveat': { string: CAVEAT },
  };
}

function sizes({ width, layers, ffn }: WidenedShape, { headSize }: SourceSizes): Metadata {
  const heads = { u32: width / headSize };
  return {
    'llama.embedding_length': { u32: width },
    'llama.block_count': { u32: layers },
    'llama.feed_forward_length': { u32: ffn },
    'llama.attention.head_count': heads,
    'llama.attention.head_count_kv': heads,
  };
}
