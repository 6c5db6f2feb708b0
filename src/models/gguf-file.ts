import { existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ModelFileError } from '../errors.js';
import { HeaderError } from './gguf-bytes.js';
import { type GgufHeader, GgufReader, MAGIC, type TensorInfo } from './gguf-reader.js';
import { Metadata } from './metadata.js';
import { partsOf } from './models-folder.js';

/** What the headers of a model's files say. */
export interface GgufFile {
  /** The file's path, or its address. */
  readonly source: string;
  readonly remote: boolean;
  /** Of the first part. */
  readonly metadata: Metadata;
  /** Of all parts, the first part first. */
  readonly tensors: readonly TensorInfo[];
  /** The model's files: one, unless it is split. */
  readonly parts: readonly GgufPart[];
}

/** One file of a model. */
export interface GgufPart {
  /** The file's path; undefined: it is on a server. */
  readonly path: string | undefined;
  readonly header: GgufHeader;
  /** Undefined where a server does not tell. */
  readonly bytes: number | undefined;
}

/** Bytes read at once: most headers of small models in one go, those with large vocabularies in some more. */
const FIRST_PIECE = 2 ** 17;
const NEXT_PIECE = 2 ** 20;

/**
 * Reads the header of a file, and those of all parts of a split model.
 * @throws ModelFileError when the file cannot be read, is no GGUF file, or has a damaged header
 */
export async function readGgufFile(path: string): Promise<GgufFile> {
  await refuseOtherFiles(path);
  refuseMissingParts(path);
  const all = partsOf(path);
  const parts: GgufPart[] = [];
  for (const part of all.includes(path) ? all : [path]) parts.push(await readPart(part));
  return fileOf(path, false, parts);
}

/** @throws ModelFileError for a header that names no architecture */
export function fileOf(source: string, remote: boolean, parts: readonly GgufPart[]): GgufFile {
  const metadata = new Metadata(parts[0]!.header.entries);
  if (metadata.architecture === '') throw damaged(source, 'names no architecture');
  return { source, remote, metadata, tensors: parts.flatMap(({ header }) => header.tensors), parts };
}

async function readPart(path: string): Promise<GgufPart> {
  try {
    await using file = await open(path);
    const { size: bytes } = await file.stat();
    const reader = new GgufReader({ bytes });
    let piece = Buffer.allocUnsafe(Math.min(bytes, FIRST_PIECE));
    for (let at = 0; ; ) {
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      if (at === 0) refuseOtherMagic(piece.subarray(0, bytesRead), path);
      const header = reader.push(piece.subarray(0, bytesRead));
      if (header) return { path, header, bytes };
      if (bytesRead === 0) throw damaged(path, `ends at byte ${at}, within its header`);
      at += bytesRead;
      if (piece.length !== NEXT_PIECE) piece = Buffer.allocUnsafe(NEXT_PIECE);
    }
  } catch (cause) {
    if (cause instanceof HeaderError) throw refusedHeader(path, cause);
    if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw unreadable(path, cause);
    throw cause;
  }
}

/** @throws ModelFileError for a path that leads to no file with bytes */
async function refuseOtherFiles(path: string): Promise<void> {
  const facts = await stat(path).catch((cause) => {
    throw unreadable(path, cause);
  });
  if (facts.isDirectory())
    throw new ModelFileError(`${path} is a folder; give the path of a GGUF file in it`);
  if (!facts.isFile())
    throw new ModelFileError(`${path} is a pipe or a device; give the path of a GGUF file`);
  if (facts.size === 0) throw new ModelFileError(`${path} is empty; download it again`);
}

/** @param reason the end of a sentence about the file */
export function damaged(source: string, reason: string, cause?: unknown): ModelFileError {
  return new ModelFileError(`${source} ${reason}: it is damaged or cut off; download it again`, { cause });
}

/** The file may be whole. @param reason the end of a sentence about the file */
export function unfit(source: string, reason: string, cause?: unknown): ModelFileError {
  return new ModelFileError(`${source} ${reason}: llama.cpp cannot run it; use another file`, { cause });
}

/** @returns what is to be said of a header that cannot be read */
export function refusedHeader(source: string, cause: HeaderError): ModelFileError {
  return (cause.mayBeWhole ? unfit : damaged)(source, cause.message, cause);
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

/** @param start the first bytes of a file */
export function refuseOtherMagic(start: Uint8Array, source: string): void {
  const word = Buffer.from(start.subarray(0, MAGIC.length)).toString('latin1');
  if (word !== MAGIC)
    throw new ModelFileError(
      `${source} is not a GGUF file: it begins with ${JSON.stringify(word)}, not "${MAGIC}"`,
    );
}
