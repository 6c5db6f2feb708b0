import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rm, statfs } from 'node:fs/promises';

/**
 * A file on its way, whose bytes come in order: its length is what has come.
 *
 * Each byte is written to its own place, never "at the end". So a process that slept while another one took over does no
 * harm when it wakes: it writes the same bytes of the same version to the same places, even into the complete file.
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
   * Opens what an earlier try left, or begins.
   * @param hashed whether the SHA-256 is wanted; what is there is read for it
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

  /** @returns `count` bytes of what has come; none where it is below 1 */
  async read(from: number, count: number): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.max(0, count));
    if (count > 0) await this.#file.read(bytes, 0, count, from);
    return bytes;
  }

  /** Waits until the disk has it. @returns its SHA-256 in hex, if that was wanted */
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
const BLOCK = 512; // bytes, in which a file's share of the disk is told
const FAT = 0x4d44; // the type that statfs tells on Linux
const LONGEST_OF_FAT = 2 ** 32 - 1; // bytes

/**
 * Finds out before anything comes whether the file system takes a file so long, where that costs no room: where a file
 * has holes until it is written. Elsewhere (NTFS, exFAT) the write tells it.
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
