import { ModelFileError } from '../errors.js';
import { type Address, addressText } from './address.js';
import { type Asking, fetchHead } from './ask.js';
import { HeaderError } from './gguf-bytes.js';
import {
  damaged,
  fileOf,
  type GgufFile,
  type GgufPart,
  refusedHeader,
  refuseOtherMagic,
} from './gguf-file.js';
import { GgufReader } from './gguf-reader.js';
import { locate, type RemoteFile, refuse } from './remote.js';

/** Bytes asked for at once: most headers come in one answer or two. */
const FIRST_PIECE = 2 ** 18;
const NEXT_PIECE = 2 ** 22;

/** A question that found no answer is asked so many times in all, after the first piece. */
const TRIES = 3;

/**
 * Reads the header of a file on a server, and those of all parts of a split model. Ranges bring the headers, not the weights.
 * @throws ModelFileError when the server refuses, cannot be reached, or has no GGUF file there
 */
export async function readRemoteGguf(address: Address, asking: Asking): Promise<GgufFile> {
  const source = addressText(address);
  const parts: GgufPart[] = [];
  for (const file of await locate(address, asking)) parts.push(await readPart(file, address, asking));
  return fileOf(source, true, parts);
}

async function readPart(file: RemoteFile, address: Address, asking: Asking): Promise<GgufPart> {
  const source = addressText(address);
  const reader = new GgufReader({ bytes: file.bytes });
  try {
    for (let at = 0; ; ) {
      const piece =
        at === 0
          ? await fetchPiece(file, 0, FIRST_PIECE, address, asking)
          : await persistently(() => fetchPiece(file, at, NEXT_PIECE, address, asking), asking);
      if (at === 0) refuseOtherMagic(piece, source);
      const header = reader.push(piece);
      if (header) return { path: undefined, header, bytes: file.bytes };
      if (piece.length === 0) throw damaged(source, `ends at byte ${at}, within its header`);
      at += piece.length;
    }
  } catch (cause) {
    if (cause instanceof HeaderError) throw refusedHeader(source, cause);
    throw cause;
  }
}

async function persistently<T>(ask: () => Promise<T>, { signal }: Asking): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await ask();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof ModelFileError) || tries === TRIES) throw error;
    }
}

/** @throws ModelFileError for a server that refuses, and for one without ranges: it would send the weights too */
async function fetchPiece(
  { url, credentials }: RemoteFile,
  at: number,
  length: number,
  address: Address,
  asking: Asking,
): Promise<Buffer> {
  const source = addressText(address);
  const headers = { range: `bytes=${at}-${at + length - 1}`, 'accept-encoding': 'identity' };
  const question = { url: new URL(url), headers };
  const response = await fetchHead(question, { credentials, redirect: 'follow' }, asking);
  const { status } = response;
  if (status === 416 && at > 0) return Buffer.alloc(0);
  const begins = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (status !== 206 || (begins !== undefined && Number(begins) !== at)) {
    await response.body?.cancel();
    refuse({ response, credentials }, address, new URL(response.url));
    throw new ModelFileError(
      `Cannot read the header of ${source} alone: its server sends files as a whole; run mtad pull ${source}, and inspect the file`,
    );
  }
  const pieces: Uint8Array[] = [];
  let came = 0;
  try {
    for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      pieces.push(piece);
      came += piece.length;
      if (came >= length) break; // a server may send more than it was asked for
    }
  } catch (cause) {
    asking.signal?.throwIfAborted();
    throw new ModelFileError(`Cannot read ${source}: the connection ended`, { cause });
  }
  return Buffer.concat(pieces).subarray(0, length);
}
