/** Reads GGUF version 3: gguf-writer.ts backwards. For models that fit into memory. */
import { readFile } from 'node:fs/promises';
import { bytesOf, type Metadata, type MetadataValue, TENSOR_TYPES, type TensorType } from './gguf-writer.js';
import { decodeFloats } from './tensor-data.js';

export interface StoredTensor {
  readonly name: string;
  readonly dims: readonly number[]; // dims[0] is the length of a row
  readonly type: TensorType;
  readonly bytes: Uint8Array; // as they are stored
  readonly values: () => Float32Array;
}

export interface StoredGguf {
  readonly metadata: Metadata; // every entry under the type it has in the file
  readonly tensors: readonly StoredTensor[]; // in the file's order
}

/** @throws RangeError for a file that is not whole, or holds what gguf-writer.ts does not write */
export async function readGguf(path: string): Promise<StoredGguf> {
  const file = await readFile(path);
  const cursor = new Cursor(file);
  if (cursor.bytes(4).toString('latin1') !== 'GGUF' || cursor.u32() !== 3)
    throw new RangeError(`${path} is not GGUF version 3`);
  const tensorCount = cursor.u64();
  const entryCount = cursor.u64();
  const metadata: Record<string, MetadataValue> = {};
  for (let i = 0; i < entryCount; i++) metadata[cursor.string()] = cursor.typedValue();
  const directory = Array.from({ length: tensorCount }, () => cursor.tensor());
  const start = Math.ceil(cursor.at / ALIGNMENT) * ALIGNMENT;

  const tensors = directory.map(({ offset, ...tensor }): StoredTensor => {
    const size = bytesOf(
      tensor.dims.reduce((a, b) => a * b, 1),
      tensor.type,
    );
    const bytes = new Cursor(file, start + offset).bytes(size);
    return { ...tensor, bytes, values: () => decodeFloats(bytes, tensor.type) };
  });
  return { metadata, tensors };
}

const ALIGNMENT = 32; // bytes, unless `general.alignment` says otherwise; gguf-writer.ts never does

/** Reads one thing after the other. */
class Cursor {
  readonly #file: Buffer;
  at: number; // bytes from the beginning of the file

  constructor(file: Buffer, at = 0) {
    this.#file = file;
    this.at = at;
  }

  bytes(count: number): Buffer {
    const bytes = this.#file.subarray(this.at, this.at + count);
    if (bytes.length < count)
      throw new RangeError(`The file ends at byte ${this.#file.length}, before what it tells of`);
    this.at += count;
    return bytes;
  }

  u32 = () => this.bytes(4).readUInt32LE();
  i32 = () => this.bytes(4).readInt32LE();
  f32 = () => this.bytes(4).readFloatLE();
  u64 = () => Number(this.bytes(8).readBigUInt64LE());
  string = () => this.bytes(this.u64()).toString();

  /** The types of gguf-writer.ts, under gguf_type's numbers. */
  typedValue(): MetadataValue {
    const type = this.u32();
    if (type === 4) return { u32: this.u32() };
    if (type === 5) return { i32: this.i32() };
    if (type === 6) return { f32: this.f32() };
    if (type === 7) return { bool: this.bytes(1)[0] !== 0 };
    if (type === 8) return { string: this.string() };
    if (type === 9) return this.#array();
    throw new RangeError(`Metadata of gguf_type ${type} is not read here`);
  }

  #array(): MetadataValue {
    const type = this.u32();
    const length = this.u64();
    if (type === 8) return { strings: Array.from({ length }, this.string) };
    if (type === 5) return { i32s: Int32Array.from({ length }, this.i32) };
    if (type === 6) return { f32s: Float32Array.from({ length }, this.f32) };
    throw new RangeError(`Arrays of gguf_type ${type} are not read here`);
  }

  tensor() {
    const name = this.string();
    const dims = Array.from({ length: this.u32() }, this.u64);
    const id = this.u32();
    const type = (Object.keys(TENSOR_TYPES) as TensorType[]).find((type) => TENSOR_TYPES[type].id === id);
    if (!type) throw new RangeError(`Tensor ${name} has ggml type ${id}, which is not read here`);
    return { name, dims, type, offset: this.u64() };
  }
}
