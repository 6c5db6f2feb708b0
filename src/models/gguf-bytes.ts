import { losslessText } from './lossless-text.js';

/** Bytes of a header, far above those of real files. */
const LONGEST = 2 ** 28;

/** The reason why a header cannot be read. The message is the end of a sentence about the file. */
export class HeaderError extends Error {
  /** Whether the file is of another kind than can be read, and need not be damaged. */
  readonly mayBeWhole: boolean;

  constructor(message: string, mayBeWhole = false) {
    super(message);
    this.mayBeWhole = mayBeWhole;
  }
}

/** Waits by `yield` for more bytes. */
export type Reading<T> = Generator<undefined, T>;

/** The bytes that have come and were not read. A reader waits by `yield`. */
export class Incoming {
  buffer: Buffer = Buffer.alloc(0);
  at = 0; // of the next byte, in `buffer`
  #before = 0; // bytes of the file before `buffer`
  #wanted = 0; // bytes that the reader waits for
  #later: Buffer[] = []; // behind `buffer`, too few so far
  #laterBytes = 0;
  readonly #end: number;

  constructor(end: number) {
    this.#end = end;
  }

  get left(): number {
    return this.buffer.length - this.at;
  }

  /** Bytes of the file that were read. */
  get position(): number {
    return this.#before + this.at;
  }

  /** @returns whether the reader can go on. Bytes of which it waits for more are copied: the caller's are lent */
  add(bytes: Uint8Array): boolean {
    const more = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#laterBytes += more.length;
    if (this.left + this.#laterBytes < this.#wanted) {
      this.#later.push(Buffer.from(more));
      return false;
    }
    const rest = this.buffer.subarray(this.at);
    this.#before += this.at;
    this.at = 0;
    this.buffer =
      rest.length === 0 && this.#later.length === 0 ? more : Buffer.concat([rest, ...this.#later, more]);
    this.#later = [];
    this.#laterBytes = 0;
    return true;
  }

  keepRest(): void {
    this.#before += this.at;
    this.buffer = Buffer.from(this.buffer.subarray(this.at));
    this.at = 0;
  }

  /** Waits until `count` bytes are there. */
  *want(count: number): Reading<void> {
    this.#bound(count);
    this.#wanted = count;
    while (this.left < count) yield;
    this.#wanted = 0;
  }

  *skip(count: number): Reading<void> {
    this.#bound(count);
    for (let rest = count; ; ) {
      const part = Math.min(rest, this.left);
      this.at += part;
      rest -= part;
      if (rest === 0) return;
      yield;
    }
  }

  *u32(): Reading<number> {
    if (this.left < 4) yield* this.want(4);
    this.at += 4;
    return this.buffer.readUInt32LE(this.at - 4);
  }

  *u64(): Reading<number> {
    if (this.left < 8) yield* this.want(8);
    this.at += 8;
    return u64At(this.buffer, this.at - 8);
  }

  /** @param most bytes of the text */
  *text(most: number, what: string): Reading<string> {
    const bytes = yield* this.u64();
    if (bytes > most) refuse(`has ${what} of ${bytes} bytes, more than ${most}`);
    if (this.left < bytes) yield* this.want(bytes);
    this.at += bytes;
    return losslessText(this.buffer, this.at - bytes, this.at);
  }

  #bound(count: number): void {
    const end = this.position + count;
    if (end > this.#end) refuse(`ends at byte ${this.#end}, within its header`);
    if (end > LONGEST) refuse(`has a header of more than ${LONGEST} bytes`);
  }
}

/** Numbers from 2^53 on are not exact; all bounds are below. */
export function u64At(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at) + buffer.readUInt32LE(at + 4) * 2 ** 32;
}

/** @throws HeaderError */
export function refuse(reason: string): never {
  throw new HeaderError(reason);
}
