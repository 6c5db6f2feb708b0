import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rm, statfs } from 'node:fs/promises';

/**
 * A file whose bytes come in order. Its length is the number of bytes that have come.
 *
 * Each byte is written to its own place, never "at the end". A process that wakes after another process took over
 * therefore does no harm: it writes the same bytes of the same version to the same places, even into the complete file.
 */
export class PartialFile {
  readonly #file: FileHandle;
  #hash: Hash | undefined;
  #length: number; // bytes

  private constructor(file: FileHandle, length: number, hash: Hash | undefined) {
    this.#file = file;
    this.#length = length;
    this.#hash = hash;
  }

  /**
   * Opens the partial file of an earlier try, or creates one.
   * @param hashed whether to compute the SHA-256; the bytes that are there are read for it
   */
  static async open(path: string, hashed: boolean, signal?: AbortSignal): Promise<PartialFile> {
    const file = await open(path, 'r+').catch((error) => {
      if (error.code === 'ENOENT') return open(path, 'wx+');
      throw error;
    });
    try {
      const { size } = await file.stat();
      const hash = hashed ? createHash('sha256') : undefined;
      if (hash && size > 0)
        for await (const piece of file.createReadStream({ start: 0, autoClose: false, signal, ...PIECES }))
          hash.update(piece);
      return new PartialFile(file, size, hash);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get length(): number {
    return this.#length;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      const { bytesWritten } = await this.#file.write(rest, 0, rest.length, this.#length);
      this.#hash?.update(rest.subarray(0, bytesWritten));
      this.#length += bytesWritten;
      rest = rest.subarray(bytesWritten);
    }
  }

  /** @returns `count` bytes that have come, from index `from` on; none where `count` is below 1 */
  async read(from: number, count: number): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.max(0, count));
    if (count > 0) await this.#file.read(bytes, 0, count, from);
    return bytes;
  }

  /** Waits until the disk holds all bytes. @returns the SHA-256 in hex, if `hashed` */
  async finish(): Promise<string | undefined> {
    await this.#file.sync();
    return this.#hash?.digest('hex');
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

const PIECES = { highWaterMark: 1 << 20 }; // bytes

const SAMPLE = 1 << 16; // bytes
const BLOCK = 512; // bytes; the unit of `stat.blocks`
const FAT = 0x4d44; // `statfs.type` on Linux
const LONGEST_OF_FAT = 2 ** 32 - 1; // bytes

/**
 * Checks whether the file system takes a file of this length. The trial file has holes and needs no room; a file
 * system without holes (NTFS, exFAT) is not tried, and fails at the byte that is too much.
 * @throws EFBIG
 */
export async function tryLength(path: string, bytes: number): Promise<void> {
  const trial = `${path}.trial`;
  try {
    await using file = await open(trial, 'w');
    await file.truncate(Math.min(bytes, SAMPLE));
    const { blocks } = await file.stat();
    if (blocks * BLOCK < SAMPLE / 2) await file.truncate(bytes);
    else if (bytes > LONGEST_OF_FAT && (await statfs(trial)).type === FAT)
      throw Object.assign(new Error('FAT'), { code: 'EFBIG' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EFBIG') throw error; // any other says nothing about the length
  } finally {
    await rm(trial, { force: true });
  }
}
