import { open } from 'node:fs/promises';

/** The first word of every GGUF file. */
export const MAGIC = 'GGUF';

/** @returns as many bytes of a file as a magic word has, one character for each */
export async function firstWord(path: string): Promise<string> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
  return buffer.toString('latin1', 0, bytesRead);
}

/** Bytes of magic word, version and the counts of tensors and of metadata. */
const COUNTS = 24;

/** Bytes that each of them takes at least. */
const TENSOR = 24;
const ENTRY = 13;

/** @returns whether a file of this size can hold what its first bytes announce: a reader would count for hours otherwise */
export async function holdsItsCounts(path: string, bytes: number): Promise<boolean> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(COUNTS), 0, COUNTS, 0);
  if (bytesRead < COUNTS) return false;
  if (buffer.readUInt32LE(4) > 0xffff) return true; // the other byte order, which the reader refuses
  const [tensors, entries] = [Number(buffer.readBigUInt64LE(8)), Number(buffer.readBigUInt64LE(16))];
  return COUNTS + tensors * TENSOR + entries * ENTRY <= bytes;
}
