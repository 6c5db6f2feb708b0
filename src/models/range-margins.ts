import { open } from 'node:fs/promises';
import { MAGIC } from './gguf-magic.js';

/** Bytes of a file, both ends included, as HTTP counts them. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Bytes that are asked for beyond each end of a range. */
const MARGIN = 256;

/**
 * Tells servers that answer ranges with bytes from elsewhere in the file, where no checksum does. Each range is asked for
 * with a margin at either end that belongs to its neighbours, and must agree with them. Of two ranges that meet, the one
 * asked for later has the other's bytes in its margin.
 *
 * It cannot tell a wrong file that is consistent in itself, bytes that are wrong inside a range, or ranges that meet in
 * more equal bytes than a margin has (padding, zeros); nor where two ranges meet that both were begun before an
 * interruption, after which only the others are compared.
 */
export class RangeMargins {
  readonly #margins: { readonly at: number; readonly bytes: Buffer }[] = [];

  /** @param total bytes of the file */
  widened({ from, to }: ByteRange, total: number): ByteRange {
    return { from: Math.max(0, from - MARGIN), to: Math.min(to + MARGIN, total - 1) };
  }

  /**
   * Keeps what of a piece is margin.
   * @param at where in the file the piece begins
   * @returns the rest of it; undefined where the beginning of the file comes as what is in its middle
   */
  take(bytes: Uint8Array, at: number, { from, to }: ByteRange): Uint8Array | undefined {
    const within = (position: number) => Math.min(Math.max(0, position - at), bytes.length);
    const [start, end] = [within(from), within(to + 1)];
    const before = Buffer.from(bytes.subarray(0, start));
    if (at > 0 && before.toString('latin1', 0, MAGIC.length) === MAGIC) return undefined;
    const after = Buffer.from(bytes.subarray(end));
    for (const margin of [
      { at, bytes: before },
      { at: at + end, bytes: after },
    ])
      if (margin.bytes.length > 0) this.#margins.push(margin);
    return bytes.subarray(start, end);
  }

  /** Whether the complete file has other bytes anywhere than a margin that came. */
  async differFrom(path: string): Promise<boolean> {
    if (this.#margins.length === 0) return false; // perhaps of no file at all
    await using file = await open(path);
    for (const { at, bytes } of this.#margins) {
      const { buffer } = await file.read(Buffer.alloc(bytes.length), { position: at });
      if (!buffer.equals(bytes)) return true;
    }
    return false;
  }
}
