/**
 * Writes a llama model with random weights: as fast or slow as a trained one of its shape, good for timing, not for text.
 *
 *   npx tsx scripts/make-random-model.ts --out target.gguf --width 1024 --layers 8
 */
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeFile, positive, runScript, tensorType } from './arguments.js';
import {
  type GgufContents,
  type Metadata,
  parameterCount,
  TENSOR_TYPES,
  type Tensor,
  type TensorType,
  writeGguf,
} from './gguf-writer.js';
import { noiseSource } from './noise.js';

export interface RandomModelOptions {
  readonly vocab: number; // pieces of the vocabulary, padding not counted; at least 259
  readonly width: number; // of the residual stream; a multiple of 2 × heads
  readonly layers: number;
  readonly heads: number;
  readonly ffn: number; // hidden width of the feed-forward part
  readonly type: TensorType; // of the matrices; norms are F32
  readonly context: number; // tokens the model claims to have been trained on
  readonly seed: number; // of the weights, 32 bits
  readonly bos: number; // token id
  readonly eos: number; // token id
  readonly padding: number; // unused pieces after the vocabulary, as some families have in their larger models
  readonly pieces: Readonly<Record<number, string>>; // piece texts by token id, in place of ours
  readonly metadata: Metadata; // more entries, or in place of ours
}

const DEFAULTS: RandomModelOptions = {
  vocab: 32000,
  width: 1024,
  layers: 8,
  heads: 16,
  ffn: 2816,
  type: 'F16',
  context: 2048,
  seed: 1,
  bos: 1,
  eos: 2,
  padding: 0,
  pieces: {},
  metadata: {},
};

export interface WrittenModel {
  readonly path: string;
  readonly parameters: number;
  readonly bytes: number;
}

export async function writeRandomModel(
  path: string,
  options: Partial<RandomModelOptions> = {},
): Promise<WrittenModel> {
  const contents = randomModel(options);
  await writeGguf(path, contents);
  return { path, parameters: parameterCount(contents.tensors), bytes: (await stat(path)).size };
}

/** What goes into the file: metadata and vocabulary, and tensors under llama.cpp's names. */
export function randomModel(options: Partial<RandomModelOptions> = {}): GgufContents {
  const shape = { ...DEFAULTS, ...options };
  check(shape);
  return { metadata: { ...llamaMetadata(shape), ...shape.metadata }, tensors: llamaTensors(shape) };
}

function check({ vocab, padding, width, heads, pieces }: RandomModelOptions): void {
  const least = SPECIAL + 256;
  if (vocab < least) throw new RangeError(`A vocabulary has at least ${least} pieces, not ${vocab}`);
  if (width % (2 * heads) !== 0)
    throw new RangeError(
      `Width ${width} is not a multiple of 2 × ${heads} heads (rotary positions turn pairs)`,
    );
  const stray = Object.keys(pieces).find((id) => Number(id) >= vocab + padding);
  if (stray) throw new RangeError(`Token ${stray} is outside the vocabulary of ${vocab + padding} pieces`);
}

function llamaMetadata(shape: RandomModelOptions): Metadata {
  const { tokens, scores, types } = vocabulary(shape);
  return {
    'general.architecture': { string: 'llama' },
    'general.name': { string: `random weights, seed ${shape.seed}` },
    'general.file_type': { u32: TENSOR_TYPES[shape.type].fileType },
    'llama.context_length': { u32: shape.context },
    'llama.embedding_length': { u32: shape.width },
    'llama.block_count': { u32: shape.layers },
    'llama.feed_forward_length': { u32: shape.ffn },
    'llama.attention.head_count': { u32: shape.heads },
    'llama.attention.head_count_kv': { u32: shape.heads },
    'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
    'llama.rope.dimension_count': { u32: shape.width / shape.heads },
    'llama.rope.freq_base': { f32: 10000 },
    'llama.vocab_size': { u32: tokens.length },
    'tokenizer.ggml.model': { string: 'llama' },
    'tokenizer.ggml.tokens': { strings: tokens },
    'tokenizer.ggml.scores': { f32s: scores },
    'tokenizer.ggml.token_type': { i32s: types },
    'tokenizer.ggml.bos_token_id': { u32: shape.bos },
    'tokenizer.ggml.eos_token_id': { u32: shape.eos },
    'tokenizer.ggml.unknown_token_id': { u32: 0 },
    'tokenizer.ggml.add_bos_token': { bool: true },
    'tokenizer.ggml.add_eos_token': { bool: false },
  };
}

const SPECIAL = 3; // <unk>, <s>, </s>
/** llama_token_type */
const PIECE = { normal: 1, unknown: 2, control: 3, unused: 5, byte: 6 } as const;

/**
 * A SentencePiece vocabulary: special pieces, the 256 bytes (any text has tokens), then the characters of ASCII and
 * made-up words. SentencePiece joins neighbours whose union is a piece, so every beginning of a word is one too
 * (`▁w12` before `▁w123`); the earlier piece has the better score.
 */
function vocabulary({ vocab, padding, pieces }: RandomModelOptions) {
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);
  const bytes = range(256).map((byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const ascii = range(0x7f - 0x21).map((i) => String.fromCharCode(0x21 + i)); // ! to ~; the space is ▁
  const words = range(vocab).map((i) => `▁w${i}`);
  const tokens = ['<unk>', '<s>', '</s>', ...bytes, '▁', ...ascii, '▁w', ...words].slice(0, vocab);
  const types = tokens.map(pieceType);

  for (let id = vocab; id < vocab + padding; id++) {
    tokens.push(`[PAD${id}]`); // llama.cpp's own name for a filler
    types.push(PIECE.unused);
  }
  for (const [id, text] of Object.entries(pieces)) tokens[Number(id)] = text;

  const scores = types.map((type, id) => (type === PIECE.normal ? SPECIAL + 256 - id : 0));
  return { tokens, scores, types };
}

function pieceType(_text: string, id: number): number {
  if (id === 0) return PIECE.unknown;
  if (id < SPECIAL) return PIECE.control;
  return id < SPECIAL + 256 ? PIECE.byte : PIECE.normal;
}

/** Standard deviation of the logits: a head that is neither flat nor certain (the largest of 32,000 has p near 0.1). */
const LOGIT_SPREAD = 3;

/**
 * The weights of a llama with tied embeddings. Matrices of deviation 1/√inputs keep activations near 1 in every layer;
 * against them the embeddings (LOGIT_SPREAD/√width) are small, so the model does not just repeat its last token.
 */
function llamaTensors({ vocab, padding, width, layers, ffn, type, seed }: RandomModelOptions): Tensor[] {
  const noise = noiseSource(seed, type, Math.max(vocab + padding, width, ffn) * width);
  const matrix = (name: string, inputs: number, outputs: number, gain = 1): Tensor => ({
    name: `${name}.weight`,
    dims: [inputs, outputs],
    type,
    data: noise(inputs * outputs, gain / Math.sqrt(inputs)),
  });
  const norm = (name: string): Tensor => ({
    name: `${name}.weight`,
    dims: [width],
    type: 'F32',
    data: () => [new Float32Array(width).fill(1)],
  });
  const layer = (n: number): Tensor[] => [
    norm(`blk.${n}.attn_norm`),
    matrix(`blk.${n}.attn_q`, width, width),
    matrix(`blk.${n}.attn_k`, width, width),
    matrix(`blk.${n}.attn_v`, width, width),
    matrix(`blk.${n}.attn_output`, width, width),
    norm(`blk.${n}.ffn_norm`),
    matrix(`blk.${n}.ffn_gate`, width, ffn),
    matrix(`blk.${n}.ffn_up`, width, ffn),
    matrix(`blk.${n}.ffn_down`, ffn, width),
  ];
  return [
    matrix('token_embd', width, vocab + padding, LOGIT_SPREAD),
    ...Array.from({ length: layers }, (_, n) => layer(n)).flat(),
    norm('output_norm'),
  ];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      vocab: { type: 'string' },
      width: { type: 'string' },
      layers: { type: 'string' },
      heads: { type: 'string' },
      ffn: { type: 'string' },
      type: { type: 'string' },
      context: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  const { out, type = DEFAULTS.type, ...numbers } = values;
  if (out === undefined) throw new RangeError('--out <file> is missing');
  const shape = Object.fromEntries(
    Object.entries(numbers).map(([name, text]) => [name, positive(name, text)]),
  );

  const { path, parameters, bytes } = await writeRandomModel(out, { ...shape, type: tensorType(type) });
  process.stderr.write(describeFile(path, parameters, bytes));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runScript(main);
