import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ModelFileError } from '../errors.js';
import { type Address, addressText } from './address.js';
import { firstWord, MAGIC } from './gguf-magic.js';
import { PART } from './models-folder.js';
import { leastBytes } from './refusals.js';
import type { RemoteFile } from './remote.js';

/** @throws ModelFileError for a file that is not what the server said, which is then gone */
export async function checkFile(
  path: string,
  { bytes, sha256, place }: RemoteFile,
  address: Address,
  signal: AbortSignal | undefined,
): Promise<void> {
  const wrong = await (async () => {
    const { size: came } = await stat(path);
    if (bytes !== undefined && came !== bytes) return `has ${came} bytes instead of ${bytes}`;
    if ((await firstWord(path)) !== MAGIC) return 'is not a GGUF file but perhaps a web page';
    if (bytes === undefined && !sha256 && !PART.test(place)) {
      const needed = await bytesNeeded(path);
      if (needed === undefined) return 'has a damaged header';
      if (came < needed) return `has ${came} bytes, and its header tells of at least ${needed}`;
    }
    const digest = sha256 && (await sha256Of(path, signal));
    return digest !== sha256 && `has the SHA-256 ${digest} instead of ${sha256}`;
  })();
  if (!wrong) return;
  await rm(path);
  throw new ModelFileError(
    `What came as ${basename(place)} ${wrong}, and is deleted; try again, or check ${addressText(address)}`,
  );
}

/** @returns bytes that the file has at least, by its header; undefined where that is damaged */
async function bytesNeeded(path: string): Promise<number | undefined> {
  const { readGgufFile } = await import('./gguf-file.js'); // which takes time to load
  return readGgufFile(path).then(leastBytes, () => undefined);
}

/** @returns hex */
export async function sha256Of(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(chunk);
  return hash.digest('hex');
}
