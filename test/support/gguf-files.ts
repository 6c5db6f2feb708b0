/** Model files for tests, good and bad. Each function writes one file into `dir` and returns its path. */
import { createCipheriv } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ggufHead, type Metadata, type Tensor, writeGguf } from '../../scripts/gguf-writer.js';
import { type RandomModelOptions, randomModel, writeRandomModel } from '../../scripts/make-random-model.js';

/** 384 pieces: special, bytes, ASCII and 29 words. */
const TINY = { vocab: 384, width: 32, layers: 1, heads: 2, ffn: 64, context: 256 };

/** A llama model of 22,000 random parameters that loads and evaluates; any two with equal options are equal files. */
export async function tinyModel(
  dir: string,
  overrides: Partial<RandomModelOptions> = {},
  name = 'tiny.gguf',
): Promise<string> {
  const { path } = await writeRandomModel(join(dir, name), { ...TINY, ...overrides });
  return path;
}

/** The tiny model's header in two files, its tensors shared out between them. @returns both paths */
export async function splitModel(
  dir: string,
  overrides: Partial<RandomModelOptions> = {},
): Promise<string[]> {
  const { metadata, tensors } = randomModel({ ...TINY, ...overrides });
  const parts = [
    { metadata, tensors: tensors.slice(0, 3) },
    { metadata: { 'general.architecture': { string: 'llama' } }, tensors: tensors.slice(3) },
  ];
  const paths = parts.map((_, i) => join(dir, `split-0000${i + 1}-of-00002.gguf`));
  for (const [i, part] of parts.entries()) await writeGguf(paths[i]!, part);
  return paths;
}

/** The tiny model's metadata and vocabulary, no tensors: tokenizes, cannot evaluate. */
export async function vocabOnlyModel(dir: string): Promise<string> {
  const path = join(dir, 'vocab-only.gguf');
  await writeGguf(path, { ...randomModel(TINY), tensors: [] });
  return path;
}

/** A BERT model that llama.cpp loads: it gives embeddings, attends in both directions and has no next token. */
export async function embeddingModel(dir: string): Promise<string> {
  const path = join(dir, 'embedding.gguf');
  await writeGguf(path, { metadata: bertMetadata(), tensors: bertTensors() });
  return path;
}

/** The first 60 % of a model file: the metadata is whole where the tensors are most of it. */
export function truncatedModel(dir: string, source: string): Promise<string> {
  return firstPart(source, join(dir, 'truncated.gguf'), (length) => Math.floor(0.6 * length));
}

/** The first 200 bytes of a model file: it ends in the middle of its metadata. */
export function truncatedHeader(dir: string, source: string): Promise<string> {
  return firstPart(source, join(dir, 'truncated-header.gguf'), () => 200);
}

/** A whole GGUF file of exactly so many bytes: a header of less than 200 and a tensor of noise. */
export function ggufOf(bytes: number): Buffer {
  const tensor: Tensor = { name: 'noise', dims: [1], type: 'F32', data: () => [] };
  const head = ggufHead({ metadata: { 'general.architecture': { string: 'noise' } }, tensors: [tensor] });
  const fields = head.indexOf('noise', head.indexOf('noise') + 1) + 'noise'.length + 4; // behind the count of dimensions
  head.writeBigUInt64LE(BigInt(bytes - head.length), fields);
  head.writeUInt32LE(24, fields + 8); // I8
  const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  return Buffer.concat([head, noise.update(Buffer.alloc(bytes - head.length))]);
}

/** Text under a model's name. */
export async function textFile(dir: string): Promise<string> {
  const path = join(dir, 'text.gguf');
  await writeFile(path, 'Once upon a time there was a file that was not a model.\n');
  return path;
}

/** Nothing under a model's name. */
export async function emptyFile(dir: string): Promise<string> {
  const path = join(dir, 'empty.gguf');
  await writeFile(path, '');
  return path;
}

/** The beginning of a model file, as long as `size` says. */
export async function firstPart(
  source: string,
  path: string,
  size: (length: number) => number,
): Promise<string> {
  const bytes = await readFile(source);
  await writeFile(path, bytes.subarray(0, size(bytes.length)));
  return path;
}

const BERT = { width: 32, ffn: 64, heads: 2, context: 64 };

/** WordPiece in llama.cpp's spelling: `▁` marks the beginning of a word, where BERT's own files mark the continuation. */
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
const WORD_PIECES = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  ...LETTERS.map((c) => `▁${c}`),
  ...LETTERS,
];

function bertMetadata(): Metadata {
  return {
    'general.architecture': { string: 'bert' },
    'general.name': { string: 'random embedding model' },
    'general.file_type': { u32: 0 },
    'bert.context_length': { u32: BERT.context },
    'bert.embedding_length': { u32: BERT.width },
    'bert.block_count': { u32: 1 },
    'bert.feed_forward_length': { u32: BERT.ffn },
    'bert.attention.head_count': { u32: BERT.heads },
    'bert.attention.layer_norm_epsilon': { f32: 1e-12 },
    'bert.attention.causal': { bool: false },
    'bert.pooling_type': { u32: 1 }, // mean
    'tokenizer.ggml.model': { string: 'bert' },
    'tokenizer.ggml.tokens': { strings: WORD_PIECES },
    'tokenizer.ggml.token_type': { i32s: WORD_PIECES.map((_, id) => (id < 5 ? 3 : 1)) }, // control, normal
    'tokenizer.ggml.token_type_count': { u32: 2 }, // sentences A and B
    'tokenizer.ggml.padding_token_id': { u32: 0 },
    'tokenizer.ggml.unknown_token_id': { u32: 1 },
    'tokenizer.ggml.bos_token_id': { u32: 2 },
    'tokenizer.ggml.eos_token_id': { u32: 3 },
    'tokenizer.ggml.seperator_token_id': { u32: 3 }, // the key is spelled so
    'tokenizer.ggml.mask_token_id': { u32: 4 },
  };
}

function bertTensors(): Tensor[] {
  const tensor = (name: string, ...dims: number[]): Tensor => ({
    name,
    dims,
    type: 'F32',
    data: () => [Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(i + 1))],
  });
  const withBias = (name: string, inputs: number, outputs: number) => [
    tensor(`${name}.weight`, inputs, outputs),
    tensor(`${name}.bias`, outputs),
  ];
  const norm = (name: string) => [tensor(`${name}.weight`, BERT.width), tensor(`${name}.bias`, BERT.width)];
  const { width, ffn, context } = BERT;
  return [
    tensor('token_embd.weight', width, WORD_PIECES.length),
    tensor('token_types.weight', width, 2),
    tensor('position_embd.weight', width, context),
    ...norm('token_embd_norm'),
    ...withBias('blk.0.attn_q', width, width),
    ...withBias('blk.0.attn_k', width, width),
    ...withBias('blk.0.attn_v', width, width),
    ...withBias('blk.0.attn_output', width, width),
    ...norm('blk.0.attn_output_norm'),
    ...withBias('blk.0.ffn_up', width, ffn),
    ...withBias('blk.0.ffn_down', ffn, width),
    ...norm('blk.0.layer_output_norm'),
  ];
}
