/**
 * Writes the embedded hybrid as a larger model with the same function and the same drafting head: zeros are added to the
 * residual stream and to the feed-forward parts, and layers that add zeros. A processor takes as long for zeros as for other
 * numbers. Attention and delta net keep their size. Prints the path.
 *
 *   npx tsx scripts/pad-hybrid.ts --out hybrid.gguf [--width 1024] [--ffn 2816] [--layers 32] [--type F16]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeFile, positive, runScript, tensorType } from './arguments.js';
import { readGguf, type StoredGguf, type StoredTensor } from './gguf-reader.js';
import {
  type GgufContents,
  ggufByteCount,
  parameterCount,
  TENSOR_TYPES,
  type Tensor,
  type TensorType,
  writeGguf,
} from './gguf-writer.js';
import { encodeFloats } from './tensor-data.js';

const SOURCE = fileURLToPath(new URL('../gguf/stories-hybrid-f16.gguf', import.meta.url));
const CAVEAT = "A large model's cost with a small model's wits: the embedded hybrid, padded with zeros";

export interface PaddedShape {
  /** Of the residual stream. */
  readonly width: number;
  /** Without the head's own one; a multiple of the source’s. */
  readonly layers: number;
  /** Hidden width of the feed-forward parts. */
  readonly ffn: number;
  /** Of the matrices. */
  readonly type: TensorType;
}

/** What each side of a matrix is; a side that is not named keeps its length. */
const READS_STREAM =
  /^(blk\.\d+\.(attn_(qkv|gate|q|k|v)|ssm_(alpha|beta)|ffn_(gate|up))|token_embd)\.weight$/;
const WRITES_STREAM = /\.(attn_output|ssm_out|ffn_down|nextn\.eh_proj)\.weight$/;
const WRITES_HIDDEN = /\.ffn_(gate|up)\.weight$/;
const READS_HIDDEN = /\.ffn_down\.weight$/;
/** It reads the token's embedding and the hidden state, side by side. */
const READS_TWO = /\.nextn\.eh_proj\.weight$/;
const LAST_NORM = /^output_norm\.|\.shared_head_norm\./;
const EMBEDDING = 'token_embd.weight';
const NORM =
  /(^output_norm|\.(attn_norm|post_attention_norm|nextn\.(enorm|hnorm|shared_head_norm)))\.weight$/;

/** @throws RangeError for a shape that does not hold the source */
export function paddedHybrid(
  { metadata, tensors }: StoredGguf,
  { width, layers, ffn, type }: PaddedShape,
): GgufContents {
  const number = (key: string) => Number(Object.values(metadata[`qwen35.${key}`] ?? {})[0]);
  const [from, fromFfn] = [number('embedding_length'), number('feed_forward_length')];
  const fromLayers = number('block_count') - 1;
  const { elements } = TENSOR_TYPES[type];
  if (layers < fromLayers || layers % fromLayers !== 0)
    throw new RangeError(`--layers ${layers} is not a multiple of the source's ${fromLayers}`);
  for (const [name, size, least] of [
    ['width', width, from],
    ['ffn', ffn, fromFfn],
  ] as const)
    if (size < least || size % elements !== 0)
      throw new RangeError(
        `--${name} ${size} is not a multiple of ${elements} from the source's ${least} up`,
      );
  // The stream grows by this factor, so that its mean square stays, and with it what the norms' epsilon does: a delta net's norm
  // has the same one, and small numbers.
  const growth = Math.sqrt(width / from);

  const padded = ({ tensor, name, isSilent }: Placed): Tensor => {
    const { dims } = tensor;
    const [inputs = 1, outputs = 1] = dims;
    if (NORM.test(name)) {
      const loss = LAST_NORM.test(name) ? growth ** 2 : growth; // the embedding reads the stream too
      return floats(name, [width], 'F32', () => laidOut(tensor, inputs, width, 1, (x) => x / loss));
    }
    const [reads, piece] = READS_TWO.test(name)
      ? [2 * width, inputs / 2]
      : [READS_STREAM.test(name) ? width : READS_HIDDEN.test(name) ? ffn : inputs, inputs];
    const writes = WRITES_STREAM.test(name) ? width : WRITES_HIDDEN.test(name) ? ffn : outputs;
    const gain = isSilent ? 0 : WRITES_STREAM.test(name) || name === EMBEDDING ? growth : 1;
    return reads !== inputs || writes !== outputs || gain !== 1
      ? floats(name, [reads, writes], type, () =>
          laidOut(tensor, piece, (reads * piece) / inputs, writes, (x) => x * gain),
        )
      : { name, dims, type: tensor.type, data: () => [tensor.bytes] };
  };

  return {
    metadata: {
      ...metadata,
      'general.name': { string: `stories hybrid, padded to ${width} x ${layers}` },
      'general.file_type': { u32: TENSOR_TYPES[type].fileType },
      'general.description': { string: CAVEAT },
      'mtad.caveat': { string: CAVEAT },
      'qwen35.embedding_length': { u32: width },
      'qwen35.block_count': { u32: layers + 1 },
      'qwen35.feed_forward_length': { u32: ffn },
    },
    tensors: placed(tensors, fromLayers, layers).map(padded),
  };
}

/** A tensor of the source under its name in the larger model. */
interface Placed {
  readonly tensor: StoredTensor;
  readonly name: string;
  /** Whether it belongs to an added layer and writes into the stream, which must add zeros. */
  readonly isSilent: boolean;
}

/** The source's layers, as many more of the same kinds in the same order, and the head behind all. */
function placed(tensors: readonly StoredTensor[], from: number, to: number): Placed[] {
  return tensors.flatMap((tensor) => {
    const [, layer, rest] = /^blk\.(\d+)(\..*)$/.exec(tensor.name) ?? [];
    if (layer === undefined) return [{ tensor, name: tensor.name, isSilent: false }];
    if (Number(layer) === from) return [{ tensor, name: `blk.${to}${rest}`, isSilent: false }];
    return Array.from({ length: to / from }, (_, n) => {
      const name = `blk.${Number(layer) + n * from}${rest}`;
      return { tensor, name, isSilent: n > 0 && WRITES_STREAM.test(name) };
    });
  });
}

/** Pieces of `from` numbers, each at the beginning of a piece of `to`, in so many rows; the rest is zero. */
function laidOut(tensor: StoredTensor, from: number, to: number, rows: number, change = (x: number) => x) {
  const values = tensor.values();
  const rowPieces = (tensor.dims[0] ?? from) / from;
  const padded = new Float32Array(rows * rowPieces * to);
  for (let i = 0; i < values.length; i++) padded[Math.floor(i / from) * to + (i % from)] = change(values[i]!);
  return padded;
}

const floats = (
  name: string,
  dims: readonly number[],
  type: TensorType,
  values: () => Float32Array,
): Tensor => ({
  name,
  dims,
  type,
  data: () => [encodeFloats(values(), type)],
});

/** Writes the padded model. */
export async function writePaddedHybrid(path: string, shape: PaddedShape): Promise<string> {
  const contents = paddedHybrid(await readGguf(SOURCE), shape);
  await writeGguf(path, contents);
  return describeFile(path, parameterCount(contents.tensors), ggufByteCount(contents));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      width: { type: 'string', default: '1024' },
      layers: { type: 'string', default: '32' },
      ffn: { type: 'string', default: '2816' },
      type: { type: 'string', default: 'F16' },
    },
  });
  if (values.out === undefined) throw new RangeError('--out <file> is missing');
  const shape = {
    width: positive('width', values.width),
    layers: positive('layers', values.layers),
    ffn: positive('ffn', values.ffn),
    type: tensorType(values.type),
  };
  process.stderr.write(await writePaddedHybrid(values.out, shape));
  process.stdout.write(`${values.out}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runScript(main);
