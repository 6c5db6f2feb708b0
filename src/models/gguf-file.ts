import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type GgufFileInfo, readGgufFileInfo } from 'node-llama-cpp';
import { ModelFileError } from '../errors.js';
import { type Address, addressText } from './address.js';
import { type Asking, fetchHead } from './ask.js';
import { firstWord, holdsItsCounts, MAGIC } from './gguf-magic.js';
import { partsOf } from './models-folder.js';
import { withNetwork } from './network.js';
import { locate, type RemoteFile, refuse } from './remote.js';

/** The header of a GGUF file. */
export interface GgufFile {
  /** The file's path, or its address. */
  readonly source: string;
  readonly remote: boolean;
  /** The header; of a split model, of all parts together. */
  readonly info: GgufFileInfo;
  /** Bytes of each part; undefined where a server does not tell. */
  readonly partBytes: readonly (number | undefined)[];
}

/** Keys that are not read: their values are long, and nothing here needs them. */
const READING = {
  ignoreKeys: ['tokenizer.ggml.merges', 'tokenizer.ggml.scores', 'tokenizer.ggml.token_type'],
  logWarnings: false,
};

/** A server that fails is asked twice more. */
const RETRIES = { retries: 2, factor: 2, minTimeout: 500 };

/**
 * Reads the header of a file.
 * @throws ModelFileError when the file cannot be read, is no GGUF file, or has a damaged header
 */
export async function readGgufFile(path: string): Promise<GgufFile> {
  const bytes = await refuseOtherFiles(path);
  refuseMissingParts(path);
  if (!(await holdsItsCounts(path, bytes))) throw damaged(path);
  try {
    const info = withArchitecture(await readGgufFileInfo(path, { ...READING, sourceType: 'filesystem' }));
    const parts =
      info.splicedParts > 1 ? partsOf(path).map(async (part) => (await stat(part)).size) : [bytes];
    return { source: path, remote: false, info, partBytes: await Promise.all(parts) };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw unreadable(path, cause);
    throw damaged(path, cause);
  }
}

/**
 * Reads the header of a file on a server. Ranges bring its first megabytes, not its weights.
 * @throws ModelFileError when the server refuses, cannot be reached, or has no GGUF file there
 */
export async function readRemoteGguf(address: Address, asking: Asking): Promise<GgufFile> {
  const source = addressText(address);
  const files = await locate(address, asking);
  await refuseOtherServers(files[0]!, address, asking);
  try {
    const read = await withNetwork(() =>
      readGgufFileInfo(files[0]!.url, {
        ...READING,
        sourceType: 'network',
        fetchHeaders: files[0]!.credentials,
        fetchRetryOptions: RETRIES,
        ...(asking.signal && { signal: asking.signal }),
      }),
    );
    return { source, remote: true, info: withArchitecture(read), partBytes: files.map(({ bytes }) => bytes) };
  } catch (cause) {
    asking.signal?.throwIfAborted();
    throw new ModelFileError(
      `${source} begins like a GGUF file, but its header is damaged or its server has stopped: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** @throws ModelFileError for a server that refuses, for one without ranges (it would send the weights too), and for other files */
async function refuseOtherServers(
  { url, credentials }: RemoteFile,
  address: Address,
  asking: Asking,
): Promise<void> {
  const source = addressText(address);
  const question = { url: new URL(url), headers: { range: 'bytes=0-3' } };
  const response = await fetchHead(question, { credentials, redirect: 'follow' }, asking);
  if (response.status !== 206) {
    await response.body?.cancel();
    refuse({ response, credentials }, address, new URL(response.url));
    throw new ModelFileError(
      `Cannot read the header of ${source} alone: its server sends files as a whole; run mtad pull ${source}, and inspect the file`,
    );
  }
  const start = await response.arrayBuffer().catch((cause) => {
    asking.signal?.throwIfAborted();
    throw new ModelFileError(`Cannot read ${source}: the connection ended`, { cause });
  });
  refuseOtherMagic(Buffer.from(start).toString('latin1'), source);
}

/** @returns the size of the file in bytes */
async function refuseOtherFiles(path: string): Promise<number> {
  const facts = await stat(path).catch((cause) => {
    throw unreadable(path, cause);
  });
  if (facts.isDirectory())
    throw new ModelFileError(`${path} is a folder; give the path of a GGUF file in it`);
  if (facts.size === 0) throw new ModelFileError(`${path} is empty; download it again`);

  const start = await firstWord(path).catch((cause) => {
    throw unreadable(path, cause);
  });
  refuseOtherMagic(start, path);
  return facts.size;
}

function damaged(path: string, cause?: unknown): ModelFileError {
  return new ModelFileError(
    `${path} begins like a GGUF file, but its header is damaged or cut off; download it again`,
    { cause },
  );
}

/** The most missing parts that a message names. */
const NAMED = 2;

/** @throws ModelFileError for a part of a model whose other parts are not all in the same folder */
function refuseMissingParts(path: string): void {
  const parts = partsOf(path);
  const missing = parts.filter((part) => part !== path && !existsSync(part)).map((part) => basename(part));
  if (!parts.includes(path) || missing.length === 0) return;
  const more = missing.length - NAMED;
  const names = `${missing.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  throw new ModelFileError(
    `${path} is one of ${parts.length} parts of a model, and beside it ${missing.length === 1 ? 'is' : 'are'} no ${names}; download all parts into one folder`,
  );
}

function unreadable(path: string, cause: unknown): ModelFileError {
  return new ModelFileError(`Cannot read ${path}: ${(cause as Error).message}`, { cause });
}

/** @returns the header, if it names an architecture. The library reads zeros behind the end of a file, and accepts them as a header. */
function withArchitecture(info: GgufFileInfo): GgufFileInfo {
  if (!info.metadata.general?.architecture) throw new Error('it names no architecture');
  return info;
}

function refuseOtherMagic(start: string, source: string): void {
  if (start !== MAGIC)
    throw new ModelFileError(
      `${source} is not a GGUF file: it begins with ${JSON.stringify(start)}, not "${MAGIC}"`,
    );
}
