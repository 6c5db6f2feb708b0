/**
 * A thread in which node-llama-cpp downloads one file, because its downloader prints, tries again for many minutes,
 * and lets a full disk reject where nobody listens. A thread can be silenced, ended, and listened to.
 */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { createModelDownloader } from 'node-llama-cpp';
import { bytesText } from './bytes-text.js';
import { differ, versionOf } from './file-version.js';
import { HeaderError, HeaderLength } from './header-length.js';
import { openNetwork, reasonOf } from './network.js';
import { type ByteRange, RangeMargins } from './range-margins.js';
import { type TransferJob, type TransferMessage, WRONG } from './transfer.js';

const { url, headers, folder, name, begun, bytes: told, room } = workerData as TransferJob;
const tell = (message: TransferMessage) => parentPort!.postMessage(message);
const stop = new AbortController();

/** The library knows a stand-in only: neither token nor signature can get into what it says or to another server. */
const STAND_IN = 'http://model.invalid/model';

const REPORT_MS = 100;
const PIECE = 2 ** 16; // bytes; the library's chunks are multiples of it
const EARLY = 'the answer ended early';
const BEHIND = 2 ** 20; // bytes that may come after the last tensor, where the header alone tells how long a file is

const network = await openNetwork();
const margins = new RangeMargins();
let wantsSize = true;
let partsOf: number | undefined; // bytes of the file, where the server gives it in parts
let hasBegun = false;
let refused: number | undefined; // status of the last answer, if it was a refusal
globalThis.fetch = async (_, init) => {
  stop.signal.throwIfAborted(); // an AbortError is all that keeps the library from trying again
  const own = partsOf === undefined ? undefined : rangeIn('range', init?.headers);
  // To read its length, the library would begin the whole file.
  const range = wantsSize ? { from: 0, to: 0 } : own && margins.widened(own, partsOf!);
  const response = await network(url, {
    signal: init?.signal ?? stop.signal,
    headers: {
      ...headers,
      ...(range ? { range: `bytes=${range.from}-${range.to}` } : {}),
      'accept-encoding': 'identity',
    },
  }).catch((error) => {
    refused = undefined;
    tell({ type: 'trouble', reason: reasonOf(error) });
    throw error;
  });
  refused = response.ok ? undefined : response.status;
  if (refused !== undefined) {
    tell({ type: 'trouble', reason: `status ${refused}`, status: refused });
    return response;
  }
  refuseOtherVersion(response);
  refuseEncoded(response);
  if (wantsSize) return sizeOnly(response);
  return own ? checkedPart(response, own, range!) : onlyOnce(response);
};

/** The range that a header tells of: `bytes=0-99` of a question, `bytes 0-99/1000` of an answer. */
function rangeIn(name: string, headers: RequestInit['headers']): ByteRange | undefined {
  const [, from, to] = /^bytes[ =](\d+)-(\d+)/.exec(new Headers(headers).get(name) ?? '') ?? [];
  return from === undefined ? undefined : { from: Number(from), to: Number(to) };
}

/** An answer without a body that tells a file's length, and whether it can be had in parts: not where that is not known. */
async function sizeOnly(response: Response): Promise<Response> {
  await response.body?.cancel();
  const { bytes } = versionOf(response.headers);
  partsOf = response.status === 206 ? bytes : undefined;
  const known = { 'content-length': `${bytes ?? ''}`, 'accept-ranges': partsOf ? 'bytes' : 'none' };
  return Object.defineProperty(new Response(null, { headers: known }), 'url', { value: STAND_IN });
}

/** Another version than the one that was begun ends it all: never are two mixed. */
function refuseOtherVersion({ headers }: Response): void {
  if (differ(begun, versionOf(headers)))
    giveUp({ reason: 'the file is another one now', code: WRONG.changed });
}

/** Encodings that change bytes. Others are said of files as they are: `identity`, `aws-chunked`, nothing. */
const COMPRESSED = /\b(x-)?(gzip|compress|deflate|br|zstd)\b/i;

/** What is compressed has another length than the file, and its ranges other bytes. */
function refuseEncoded({ headers }: Response): void {
  const encoding = headers.get('content-encoding') ?? '';
  if (COMPRESSED.test(encoding)) giveUp({ reason: encoding, code: WRONG.encoded });
}

/** The part that was asked for without its margins. It fails where it ends before it promised: the library does not count. */
function checkedPart(response: Response, own: ByteRange, asked: ByteRange): Response {
  const given = rangeIn('content-range', response.headers);
  if (!given) return response; // no part, which the library refuses
  if (given.from !== asked.from || given.to > asked.to) return otherBytes();
  if (given.to < asked.to) giveUp({ reason: 'shorter parts', code: WRONG.shorter });
  let at = given.from;
  const checked = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      const mine = margins.take(bytes, at, own) ?? otherBytes();
      at += bytes.length;
      if (at > given.to + 1) giveUp({ reason: 'is asked for', code: WRONG.longer });
      controller.enqueue(mine);
    },
    flush() {
      if (at > given.to) return;
      tell({ type: 'trouble', reason: EARLY });
      throw new Error(EARLY);
    },
  });
  const range = `bytes ${own.from}-${own.to}/${partsOf}`;
  return new Response(response.body!.pipeThrough(checked), { headers: { 'content-range': range } });
}

function otherBytes(): never {
  return giveUp({ reason: 'other bytes than were asked for', code: WRONG.mixed });
}

/**
 * A whole file, which the library would write behind what it has if it came again; and in pieces of which its chunks are
 * made, because of others it miscounts the last ones where it does not know the file's length.
 */
function onlyOnce({ status, headers, body }: Response): Response {
  if (hasBegun) giveUp({ reason: EARLY });
  hasBegun = true;
  const refuseTooMuch = limit();
  let rest = Buffer.alloc(0);
  const pieces = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      refuseTooMuch(bytes);
      rest = Buffer.concat([rest, bytes]);
      for (; rest.length >= PIECE; rest = rest.subarray(PIECE)) controller.enqueue(rest.subarray(0, PIECE));
    },
    flush(controller) {
      if (rest.length > 0) controller.enqueue(rest);
    },
  });
  return new Response(body!.pipeThrough(pieces), { status, headers });
}

/** @returns what is to be called with each piece of a file, and ends it all where more comes than can belong to it */
function limit(): (bytes: Uint8Array) => void {
  const header = new HeaderLength();
  let came = 0;
  let length = told; // of the file
  return (bytes) => {
    came += bytes.length;
    length ??= mostIn(header, bytes);
    const most = told ?? (length === undefined ? Infinity : length + BEHIND);
    const source = told === undefined ? 'that its header tells of' : 'that were to come';
    if (came > most) giveUp({ reason: `the ${bytesText(length!)} ${source}`, code: WRONG.longer });
    if (told === undefined && came > room) giveUp({ reason: 'the disk is full', code: 'ENOSPC' });
  };
}

/** @returns bytes of a file, once they are known; Infinity where its header does not tell them */
function mostIn(header: HeaderLength, bytes: Uint8Array): number | undefined {
  try {
    const length = header.push(bytes);
    return length && (length.isExact ? length.least : Infinity);
  } catch (error) {
    if (error instanceof HeaderError) return giveUp({ reason: error.message, code: WRONG.noModel });
    throw error;
  }
}

/** Ends it all, so that the library does not try again. */
function giveUp(why: { reason: string; code?: string }): never {
  tell({ type: 'failed', ...why });
  stop.abort();
  throw stop.signal.reason;
}

let reported = 0; // ms

const fail = (error: NodeJS.ErrnoException) =>
  tell({ type: 'failed', reason: reasonOf(error), code: error.code, status: refused });
process.on('unhandledRejection', fail);
parentPort!.once('message', () => stop.abort());

tell({ type: 'ready' });
try {
  const downloader = await createModelDownloader({
    modelUri: STAND_IN,
    dirPath: folder,
    fileName: name,
    deleteTempFileOnCancel: false,
    endpoints: { huggingFace: 'http://hub.invalid/' },
    onProgress: ({ downloadedSize }) => {
      if (Date.now() - reported < REPORT_MS) return;
      reported = Date.now();
      tell({ type: 'bytes', bytes: downloadedSize });
    },
  });
  wantsSize = false;
  await downloader.download({ signal: stop.signal });
  if (await margins.differFrom(join(folder, name))) otherBytes();
  tell({ type: 'done' });
} catch (error) {
  if (stop.signal.aborted) tell({ type: 'stopped' });
  else fail(error as Error);
}
