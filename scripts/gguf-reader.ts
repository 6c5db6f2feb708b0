/** Reads whole GGUF files: gguf-writer.ts backwards. For models that fit into memory. */
import { readFile } from 'node:fs/promises';
import { type Entry, elementsOf, GgufReader } from '../src/models/gguf-reader.js';
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
  const header = headerIn(file, path);
  const metadata = [...header.entries].map(([key, entry]) => [key, storedValue(key, entry)] as const);
  const tensors = header.tensors.map(({ name, dims, type: id, offset }): StoredTensor => {
    const type = (Object.keys(TENSOR_TYPES) as TensorType[]).find((type) => TENSOR_TYPES[type].id === id);
    if (!type) throw new RangeError(`Tensor ${name} has ggml type ${id}, which is not read here`);
    const start = header.dataStart + offset;
    const bytes = file.subarray(start, start + bytesOf(elementsOf(dims), type));
    return { name, dims, type, bytes, values: () => decodeFloats(bytes, type) };
  });
  return { metadata: Object.fromEntries(metadata), tensors };
}

function headerIn(file: Buffer, path: string) {
  try {
    const header = new GgufReader({ bytes: file.length, keepsAll: true }).push(file)!;
    if (header.least <= file.length) return header;
  } catch (error) {
    throw new RangeError(`${path} ${(error as Error).message}`, { cause: error });
  }
  throw new RangeError(`${path} ends at byte ${file.length}, before what it tells of`);
}

/** The types of gguf-writer.ts. */
function storedValue(key: string, entry: Entry): MetadataValue {
  const isArray = entry.type === 'array';
  const name = isArray ? `${entry.elements}s` : entry.type;
  if (!['string', 'u32', 'i32', 'f32', 'bool', 'strings', 'i32s', 'f32s'].includes(name))
    throw new RangeError(`${key} is of type ${name}, which is not read here`);
  return { [name]: isArray ? entry.values : entry.value } as unknown as MetadataValue;
}
