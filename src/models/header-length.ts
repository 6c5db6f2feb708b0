import { MAGIC } from './gguf-magic.js';
import { tensorBytes } from './tensor-bytes.js';

/** The next wish of the reader of a header: bytes to read, or to skip. */
type Wish = { readonly take: number } | { readonly skip: number };
type Reader<T> = Generator<Wish, T, Buffer>;

/** The length of a file, computed from its header. */
export interface FileLength {
  /** The least length in bytes. */
  readonly least: number;
  /** Whether `least` is the length; false: the size of a tensor's type is unknown. */
  readonly isExact: boolean;
}

/** The reason why a header cannot be read. The message is the end of a sentence about the file. */
export class HeaderError extends Error {}

/** Bytes of a metadata value, by gguf_type. Texts and arrays begin with their lengths instead. */
const VALUE_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 1], // u8
  [1, 1], // i8
  [2, 2], // u16
  [3, 2], // i16
  [4, 4], // u32
  [5, 4], // i32
  [6, 4], // f32
  [7, 1], // bool
  [10, 8], // u64
  [11, 8], // i64
  [12, 8], // f64
]);
const U32 = 4;
const TEXT = 8;
const ARRAY = 9;
const VERSIONS = [2, 3];
const MOST_DIMENSIONS = 4;
const ALIGNMENT_KEY = 'general.alignment';

/**
 * Reads the header of a GGUF file as its bytes come, and keeps none of them. So a header without an end needs no memory.
 */
export class HeaderLength {
  readonly #reader = fileLength();
  #step = this.#reader.next();
  #taken: Buffer[] = [];
  #missing = this.#missingOf();

  /**
   * @returns the length of the whole file; undefined while the header is incomplete
   * @throws HeaderError for bytes that are no GGUF file, or a damaged header
   */
  push(bytes: Uint8Array): FileLength | undefined {
    let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (!this.#step.done && rest.length > 0) {
      const part = rest.subarray(0, this.#missing);
      rest = rest.subarray(part.length);
      this.#missing -= part.length;
      if ('take' in this.#step.value) this.#taken.push(Buffer.from(part)); // the caller's bytes are lent
      if (this.#missing === 0) this.#advance();
    }
    return this.#step.done ? this.#step.value : undefined;
  }

  #advance(): void {
    do {
      this.#step = this.#reader.next(Buffer.concat(this.#taken));
      this.#taken = [];
      this.#missing = this.#missingOf();
    } while (!this.#step.done && this.#missing === 0);
  }

  #missingOf(): number {
    if (this.#step.done) return 0;
    const wish = this.#step.value;
    return 'take' in wish ? wish.take : wish.skip;
  }
}

/** The specification: docs/gguf.md in the ggml repository. */
function* fileLength(): Reader<FileLength> {
  let at = 0; // bytes from the beginning
  let alignment = 32; // bytes

  const magic = (yield* take(MAGIC.length)).toString('latin1');
  if (magic !== MAGIC) throw new HeaderError('is not a GGUF file but perhaps a web page');
  const version = yield* u32();
  if (!VERSIONS.includes(version)) throw new HeaderError(`is of GGUF version ${version}, which is not known`);
  const tensors = yield* u64();
  const entries = yield* u64();
  for (let i = 0; i < entries; i++) {
    const keyLength = yield* u64();
    const isShort = keyLength === ALIGNMENT_KEY.length;
    const key = isShort ? (yield* take(keyLength)).toString('latin1') : yield* skip(keyLength);
    const type = yield* u32();
    if (key === ALIGNMENT_KEY && type === U32) alignment = yield* u32();
    else if (type === ARRAY) yield* passOver(yield* u32(), yield* u64());
    else yield* passOver(type, 1);
  }
  if (alignment === 0) throw damaged();
  let isExact = true;
  let end = 0; // of the tensor that ends last, from where their data begins
  for (let i = 0; i < tensors; i++) {
    yield* skip(yield* u64()); // its name
    const dimensions = yield* u32();
    if (dimensions > MOST_DIMENSIONS) throw damaged();
    let elements = 1;
    for (let j = 0; j < dimensions; j++) elements *= yield* u64();
    const bytes = tensorBytes(yield* u32(), elements);
    isExact &&= bytes !== undefined;
    end = Math.max(end, (yield* u64()) + (bytes ?? 0));
  }
  if (!Number.isSafeInteger(end)) throw damaged();
  return { least: tensors === 0 ? at : Math.ceil(at / alignment) * alignment + end, isExact };

  function* take(count: number): Reader<Buffer> {
    at += count;
    return yield { take: count };
  }
  function* skip(count: number): Reader<undefined> {
    if (!Number.isSafeInteger(at + count)) throw damaged();
    at += count;
    yield { skip: count };
  }
  function* u32(): Reader<number> {
    return (yield* take(4)).readUInt32LE();
  }
  function* u64(): Reader<number> {
    return Number((yield* take(8)).readBigUInt64LE());
  }
  function* passOver(type: number, count: number): Reader<void> {
    if (type === TEXT) for (let i = 0; i < count; i++) yield* skip(yield* u64());
    else yield* skip((VALUE_BYTES.get(type) ?? Number.NaN) * count); // there are no arrays of arrays
  }
}

function damaged(): HeaderError {
  return new HeaderError('has a damaged header');
}
