/**
 * Writes GGUF version 3, the file format of llama.cpp's models.
 * Source: the specification in the ggml repository, docs/gguf.md and the head of include/gguf.h.
 */

import { rm, writeFile } from 'node:fs/promises';
import { f32, i32, text, u32, u64 } from './gguf-numbers.js';

/** A metadata value under the name of its type: `{ u32: 8 }`, `{ strings: ['<unk>', '<s>'] }`. */
export type MetadataValue =
  | { readonly string: string }
  | { readonly u32: number }
  | { readonly i32: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly strings: readonly string[] }
  | { readonly i32s: ArrayLike<number> }
  | { readonly f32s: ArrayLike<number> };

export type Metadata = Readonly<Record<string, MetadataValue>>;

/**
 * ggml's number for a tensor's type, the elements of a row that it stores together and the bytes they take, and the
 * `general.file_type` of models whose matrices have this type (llama_ftype).
 */
export const TENSOR_TYPES = {
  F32: { id: 0, elements: 1, bytes: 4, fileType: 0 },
  F16: { id: 1, elements: 1, bytes: 2, fileType: 1 },
  Q8_0: { id: 8, elements: 32, bytes: 34, fileType: 7 },
  BF16: { id: 30, elements: 1, bytes: 2, fileType: 32 },
} as const;

export type TensorType = keyof typeof TENSOR_TYPES;
export const tensorTypes = Object.keys(TENSOR_TYPES) as readonly TensorType[];

export interface Tensor {
  readonly name: string; // at most 63 bytes
  /** Elements per dimension in ggml's order: dims[0] is contiguous, the length of a row. A matrix has dims [inputs, outputs]. */
  readonly dims: readonly number[];
  readonly type: TensorType;
  /** The elements in chunks of any size, called when their turn comes: a large file is never in memory as a whole. */
  readonly data: () => Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView>;
}

export interface GgufContents {
  readonly metadata: Metadata;
  readonly tensors: readonly Tensor[];
}

const ALIGNMENT = 32; // bytes; the default, so `general.alignment` need not be written

/** Writes the file, over an existing one; nothing is left behind when it fails. */
export async function writeGguf(path: string, contents: GgufContents): Promise<void> {
  try {
    await writeFile(path, ggufChunks(contents));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

const elementCount = (tensor: Tensor): number => tensor.dims.reduce((a, b) => a * b, 1);
const byteCount = (tensor: Tensor): number => bytesOf(elementCount(tensor), tensor.type);

export function bytesOf(elements: number, type: TensorType): number {
  const block = TENSOR_TYPES[type];
  return (elements / block.elements) * block.bytes;
}

export const parameterCount = (tensors: readonly Tensor[]): number =>
  tensors.reduce((sum, tensor) => sum + elementCount(tensor), 0);

/** Bytes of the whole file. */
export const ggufByteCount = (contents: GgufContents): number =>
  contents.tensors.reduce((sum, tensor) => sum + alignedLength(byteCount(tensor)), ggufHead(contents).length);

/** All that comes before the first tensor's elements: header, metadata, tensor directory, padding. */
export function ggufHead({ metadata, tensors }: GgufContents): Buffer {
  const head = Buffer.concat([...headerFields(metadata, tensors)]);
  return Buffer.concat([head, padding(head.length)]);
}

/** The file from first byte to last: its head, then each tensor's elements, aligned. */
async function* ggufChunks({ metadata, tensors }: GgufContents): AsyncGenerator<Uint8Array> {
  yield ggufHead({ metadata, tensors });
  for (const tensor of tensors) {
    let written = 0;
    for await (const { buffer, byteOffset, byteLength } of tensor.data()) {
      yield new Uint8Array(buffer, byteOffset, byteLength);
      written += byteLength;
    }
    if (written !== byteCount(tensor))
      throw new RangeError(
        `Tensor ${tensor.name} needs ${byteCount(tensor)} bytes, its data gave ${written}`,
      );
    yield padding(written);
  }
}

const alignedLength = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;
const padding = (length: number): Uint8Array => new Uint8Array(alignedLength(length) - length);

function* headerFields(metadata: Metadata, tensors: readonly Tensor[]): Generator<Uint8Array> {
  const entries = Object.entries(metadata);
  yield Buffer.from('GGUF');
  yield u32(3); // version
  yield u64(tensors.length);
  yield u64(entries.length);

  for (const [key, value] of entries) {
    yield text(key);
    yield* typedValue(value);
  }

  let offset = 0; // bytes from the start of the aligned data section
  for (const tensor of tensors) {
    yield text(tensor.name);
    yield u32(tensor.dims.length);
    for (const dim of tensor.dims) yield u64(dim);
    yield u32(TENSOR_TYPES[tensor.type].id);
    yield u64(offset);
    offset += alignedLength(byteCount(tensor));
  }
}

/** gguf_type: 4 u32, 5 i32, 6 f32, 7 bool (one byte), 8 string, 9 array (its elements' type and their count first). */
function* typedValue(value: MetadataValue): Generator<Uint8Array> {
  if ('string' in value) yield* [u32(8), text(value.string)];
  else if ('u32' in value) yield* [u32(4), u32(value.u32)];
  else if ('i32' in value) yield* [u32(5), i32(value.i32)];
  else if ('f32' in value) yield* [u32(6), f32(value.f32)];
  else if ('bool' in value) yield* [u32(7), Buffer.from([value.bool ? 1 : 0])];
  else if ('strings' in value) yield* array(8, value.strings, text);
  else if ('i32s' in value) yield* array(5, value.i32s, i32);
  else yield* array(6, value.f32s, f32);
}

function* array<T>(type: number, values: ArrayLike<T>, encode: (value: T) => Buffer): Generator<Uint8Array> {
  yield u32(9);
  yield u32(type);
  yield u64(values.length);
  yield Buffer.concat(Array.from(values, encode));
}
