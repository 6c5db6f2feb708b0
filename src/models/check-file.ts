import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ModelFileError } from '../errors.js';
import { type Address, addressText } from './address.js';
import { HeaderError } from './gguf-bytes.js';
import { GgufReader } from './gguf-reader.js';
import type { RemoteFile } from './remote.js';

/**
 * Checks length, header and SHA-256 of a file that has come.
 * @param digest the SHA-256 of the file in hex; undefined where the server tells none
 * @throws ModelFileError for a file that is not what the server said, after it was removed
 */
export async function checkFile(
  path: string,
  { bytes, sha256, place }: RemoteFile,
  address: Address,
  digest: string | undefined,
  remove: (path: string) => Promise<void>,
): Promise<void> {
  const wrong = await (async () => {
    const { size: came } = await stat(path);
    if (bytes !== undefined && came !== bytes) return `has ${came} bytes instead of ${bytes}`;
    const needed = await bytesNeeded(path);
    if (typeof needed === 'string') return needed;
    if (came < needed) return `has ${came} bytes, and its header tells of at least ${needed}`;
    return digest !== sha256 && `has the SHA-256 ${digest} instead of ${sha256}`;
  })();
  if (!wrong) return;
  await remove(path);
  throw new ModelFileError(
    `What came as ${basename(place)} ${wrong}, and is deleted; try again, or check ${addressText(address)}`,
  );
}

/** @returns the least length of the file in bytes, by its header; or the fault of its header, as the end of a sentence */
async function bytesNeeded(path: string): Promise<number | string> {
  const header = new GgufReader();
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      const read = header.push(chunk);
      if (read) return read.least;
    }
    return 'is cut off within its header';
  } catch (error) {
    if (error instanceof HeaderError) return error.message;
    throw error;
  }
}

/** @returns the SHA-256 of a file in hex */
export async function sha256Of(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(chunk);
  return hash.digest('hex');
}
