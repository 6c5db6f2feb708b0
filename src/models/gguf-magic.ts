import { open } from 'node:fs/promises';

/** The first word of every GGUF file. */
export const MAGIC = 'GGUF';

/** @returns as many bytes of a file as a magic word has, one character for each */
export async function firstWord(path: string): Promise<string> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
  return buffer.toString('latin1', 0, bytesRead);
}
