import { HeaderError, Incoming, type Reading, refuse, u64At } from './gguf-bytes.js';
import { losslessText } from './lossless-text.js';
import { tensorBytes } from './tensor-bytes.js';

/** The first word of every GGUF file. */
export const MAGIC = 'GGUF';

export type ScalarType = keyof typeof SCALARS | 'string';
export type Scalar = number | boolean | string;

/** A value of the metadata, and its type in the file. */
export type Entry = { readonly type: ScalarType; readonly value: Scalar } | ArrayEntry;

export interface ArrayEntry {
  readonly type: 'array';
  readonly elements: ScalarType;
  readonly length: number;
  /** Undefined: a long array, which was passed over. */
  readonly values: readonly Scalar[] | undefined;
}

export interface TensorInfo {
  readonly name: string;
  /** Elements by dimension, 1 to 4 of them; the first is the length of a row. */
  readonly dims: readonly number[];
  /** ggml's number of the type. */
  readonly type: number;
  /** Bytes from where the data begin. */
  readonly offset: number;
}

/** The header of one GGUF file. */
export interface GgufHeader {
  readonly version: number;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly tensors: readonly TensorInfo[];
  /** Bytes from the beginning of the file to the data of the tensors. */
  readonly dataStart: number;
  /** The least length of the whole file in bytes. */
  readonly least: number;
  /** Whether `least` is the length; false: the size of a tensor's type is unknown. */
  readonly isExact: boolean;
}

/** By name: gguf_type, the bytes of a value, and how to read it. A 64-bit number beyond 2^53 is not exact. */
const SCALARS = {
  u8: { id: 0, bytes: 1, read: (from: Buffer, at: number) => from.readUInt8(at) },
  i8: { id: 1, bytes: 1, read: (from: Buffer, at: number) => from.readInt8(at) },
  u16: { id: 2, bytes: 2, read: (from: Buffer, at: number) => from.readUInt16LE(at) },
  i16: { id: 3, bytes: 2, read: (from: Buffer, at: number) => from.readInt16LE(at) },
  u32: { id: 4, bytes: 4, read: (from: Buffer, at: number) => from.readUInt32LE(at) },
  i32: { id: 5, bytes: 4, read: (from: Buffer, at: number) => from.readInt32LE(at) },
  f32: { id: 6, bytes: 4, read: (from: Buffer, at: number) => from.readFloatLE(at) },
  bool: { id: 7, bytes: 1, read: (from: Buffer, at: number) => from.readUInt8(at) !== 0 },
  u64: { id: 10, bytes: 8, read: u64At },
  i64: { id: 11, bytes: 8, read: (from: Buffer, at: number) => Number(from.readBigInt64LE(at)) },
  f64: { id: 12, bytes: 8, read: (from: Buffer, at: number) => from.readDoubleLE(at) },
} as const;
const STRING = 8;
const ARRAY = 9;
const TYPES: ReadonlyMap<number, ScalarType> = new Map<number, ScalarType>([
  [STRING, 'string'],
  ...Object.entries(SCALARS).map(([name, { id }]) => [id, name as ScalarType] as const),
]);

const VERSIONS = [2, 3];
const ALIGNMENT = 32; // bytes, unless the file says otherwise

/** Bounds, far above those of real files. llama.cpp compares each name with all before it. */
const MOST = {
  entries: 10_000,
  tensors: 20_000,
  key: 2 ** 10, // bytes
  name: 63, // bytes, of a tensor
  text: 2 ** 24, // bytes
  elements: 2 ** 24,
  tokens: 2 ** 21, // elements of the vocabulary, which is kept
  dimensions: 4,
};

/** Elements of an array whose values are kept, unless all are. */
const SHORT = 4096;
const TOKENS = 'tokenizer.ggml.tokens';

/** How to read a header. */
export interface ReaderOptions {
  /** Length of the whole file; undefined: unknown. */
  readonly bytes?: number | undefined;
  /** Whether the values of all arrays are kept; undefined: of short ones and of the vocabulary. */
  readonly keepsAll?: boolean | undefined;
}

/** Reads the header of a GGUF file as its bytes come. The specification: docs/gguf.md in the ggml repository. */
export class GgufReader {
  readonly #bytes: Incoming;
  readonly #reading: Generator<undefined, GgufHeader>;
  #header: GgufHeader | undefined;

  constructor({ bytes = Number.POSITIVE_INFINITY, keepsAll = false }: ReaderOptions = {}) {
    this.#bytes = new Incoming(bytes);
    this.#reading = read(this.#bytes, keepsAll);
  }

  /**
   * @returns the header; undefined while it is incomplete
   * @throws HeaderError for bytes that are no GGUF file, or a damaged header
   */
  push(bytes: Uint8Array): GgufHeader | undefined {
    if (this.#header) return this.#header;
    if (!this.#bytes.add(bytes)) return undefined;
    const { done, value } = this.#reading.next();
    if (done) this.#header = value;
    else this.#bytes.keepRest(); // the caller's bytes are lent
    return this.#header;
  }
}

function* read(from: Incoming, keepsAll: boolean): Reading<GgufHeader> {
  yield* from.want(MAGIC.length);
  const magic = from.buffer.toString('latin1', 0, MAGIC.length);
  if (magic !== MAGIC) refuse('is not a GGUF file but perhaps a web page');
  yield* from.skip(MAGIC.length);
  const version = yield* from.u32();
  if (VERSIONS.some((known) => version === known * 2 ** 24))
    throw new HeaderError('is big-endian, made for other processors', true);
  if (!VERSIONS.includes(version))
    throw new HeaderError(`is of GGUF version ${version}, not ${VERSIONS.join(' or ')}`, version < 2 ** 8);
  const tensorCount = yield* from.u64();
  if (tensorCount > MOST.tensors) refuse(`tells of ${tensorCount} tensors, more than ${MOST.tensors}`);
  const entryCount = yield* from.u64();
  if (entryCount > MOST.entries)
    refuse(`tells of ${entryCount} entries of metadata, more than ${MOST.entries}`);

  const entries = new Map<string, Entry>();
  for (let i = 0; i < entryCount; i++) {
    const key = yield* from.text(MOST.key, 'a key of metadata');
    if (key === '' || entries.has(key)) refuse(`has the key ${JSON.stringify(key)} twice or without a name`);
    if (key.includes('\0'))
      refuse(`has the key ${JSON.stringify(key)}, which llama.cpp would cut at its NUL character`);
    entries.set(key, yield* entry(from, key, keepsAll));
  }
  const told = entries.get('general.alignment');
  const alignment = told?.type === 'u32' ? (told.value as number) : ALIGNMENT;
  if (alignment === 0) refuse('has general.alignment 0 instead of a power of two');

  const tensors: TensorInfo[] = [];
  const names = new Set<string>();
  for (let i = 0; i < tensorCount; i++) {
    const one = yield* tensor(from);
    if (names.has(one.name)) refuse(`has the tensor ${JSON.stringify(one.name)} twice`);
    names.add(one.name);
    tensors.push(one);
  }
  const dataStart = Math.ceil(from.position / alignment) * alignment;
  return {
    version,
    entries,
    tensors,
    dataStart,
    least: tensorCount === 0 ? from.position : dataStart + endOf(tensors),
    isExact: tensors.every(({ type }) => tensorBytes(type, 0) !== undefined),
  };
}

function* entry(from: Incoming, key: string, keepsAll: boolean): Reading<Entry> {
  const id = yield* from.u32();
  if (id !== ARRAY) {
    const type = typeOf(id, key);
    return { type, value: yield* scalar(from, type, key) };
  }
  const elements = typeOf(yield* from.u32(), key);
  const length = yield* from.u64();
  const most = key === TOKENS ? MOST.tokens : MOST.elements;
  if (length > most) refuse(`has ${length} elements in ${key}, more than ${most}`);
  const keeps = keepsAll || key === TOKENS || length <= SHORT;
  const values: Scalar[] = [];
  if (elements === 'string') yield* pass(from, key, length, (text) => keeps && values.push(text()));
  else if (!keeps) yield* from.skip(length * SCALARS[elements].bytes);
  else for (let i = 0; i < length; i++) values.push(yield* scalar(from, elements, key));
  return { type: 'array', elements, length, values: keeps ? values : undefined };
}

/** A vocabulary has hundreds of thousands of texts: here no generator is made for each. */
function* pass(
  from: Incoming,
  key: string,
  count: number,
  take: (text: () => string) => void,
): Reading<void> {
  for (let i = 0; i < count; i++) {
    if (from.left < 8) yield* from.want(8);
    const bytes = u64At(from.buffer, from.at);
    if (bytes > MOST.text) refuse(`has a text in ${key} of ${bytes} bytes, more than ${MOST.text}`);
    if (from.left < 8 + bytes) yield* from.want(8 + bytes);
    from.at += 8 + bytes;
    take(() => losslessText(from.buffer, from.at - bytes, from.at));
  }
}

function* scalar(from: Incoming, type: ScalarType, key: string): Reading<Scalar> {
  if (type === 'string') return yield* from.text(MOST.text, `a text in ${key}`);
  const { bytes, read } = SCALARS[type];
  if (from.left < bytes) yield* from.want(bytes);
  from.at += bytes;
  return read(from.buffer, from.at - bytes);
}

/** There are no arrays of arrays. */
function typeOf(id: number, key: string): ScalarType {
  return TYPES.get(id) ?? refuse(`has ${key} of type ${id}, which GGUF does not know`);
}

function* tensor(from: Incoming): Reading<TensorInfo> {
  const name = yield* from.text(MOST.name, 'the name of a tensor');
  const count = yield* from.u32();
  if (count > MOST.dimensions)
    refuse(`has the tensor ${name} of ${count} dimensions, more than ${MOST.dimensions}`);
  const dims: number[] = [];
  for (let i = 0; i < count; i++) dims.push(yield* from.u64());
  const type = yield* from.u32();
  const offset = yield* from.u64();
  const sizes = [...dims, elementsOf(dims), offset];
  if (!sizes.every(Number.isSafeInteger)) refuse(`has the tensor ${name} of impossible size`);
  return { name, dims, type, offset };
}

export function elementsOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** @returns bytes from the beginning of the data to the end of the tensor that ends last */
function endOf(tensors: readonly TensorInfo[]): number {
  return tensors.reduce(
    (end, { dims, type, offset }) => Math.max(end, offset + (tensorBytes(type, elementsOf(dims)) ?? 0)),
    0,
  );
}
