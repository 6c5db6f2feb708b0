import { EMBEDDED_PAIR } from '../src/models/resolve.js';
import { readGguf } from './gguf-reader.js';
import { writeGguf } from './gguf-writer.js';

/**
 * Writes the embedded draft model with the rows of its matrices in another order: as fast, and never right but by chance.
 * @returns the path
 */
export async function writeWrongDraft(path: string): Promise<string> {
  const { metadata, tensors } = await readGguf(EMBEDDED_PAIR.draft);
  const shuffled = tensors.map(({ bytes, name, dims, type }) => {
    const half = name.startsWith('blk.') && dims.length === 2 ? bytes.length >> 1 : 0;
    return { name, dims, type, data: () => [bytes.subarray(half), bytes.subarray(0, half)] };
  });
  await writeGguf(path, { metadata, tensors: shuffled });
  return path;
}
