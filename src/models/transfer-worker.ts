/**
 * A thread in which node-llama-cpp downloads one file, because its downloader prints, tries again for many minutes,
 * and lets a full disk reject where nobody listens. A thread can be silenced, ended, and listened to.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createModelDownloader } from 'node-llama-cpp';
import { differ, versionOf } from './file-version.js';
import { openNetwork, reasonOf } from './network.js';
import { CHANGED, type TransferJob, type TransferMessage } from './transfer.js';

const { url, headers, folder, name, begun } = workerData as TransferJob;
const tell = (message: TransferMessage) => parentPort!.postMessage(message);
const stop = new AbortController();

/** The library knows a stand-in only: neither token nor signature can get into what it says or to another server. */
const STAND_IN = 'http://model.invalid/model';

const REPORT_MS = 100;
const PIECE = 2 ** 16; // bytes; the library's chunks are multiples of it
const EARLY = 'the answer ended early';

const network = await openNetwork();
let wantsSize = true;
let inParts = true; // as the server gives the file
let hasBegun = false;
let refused: number | undefined; // status of the last answer, if it was a refusal
globalThis.fetch = async (_, init) => {
  stop.signal.throwIfAborted(); // an AbortError is all that keeps the library from trying again
  // To read its length, the library would begin the whole file.
  const range = wantsSize ? 'bytes=0-0' : new Headers(init?.headers).get('range');
  const response = await network(url, {
    signal: init?.signal ?? stop.signal,
    headers: { ...headers, ...(range ? { range } : {}), 'accept-encoding': 'identity' },
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
  if (wantsSize) return sizeOnly(response);
  return inParts ? countedPart(response) : onlyOnce(response);
};

/** An answer without a body that tells a file's length, and whether it can be had in parts: not where that is not known. */
async function sizeOnly(response: Response): Promise<Response> {
  await response.body?.cancel();
  const { bytes } = versionOf(response.headers);
  inParts = response.status === 206 && bytes !== undefined;
  const told = { 'content-length': `${bytes ?? ''}`, 'accept-ranges': inParts ? 'bytes' : 'none' };
  return Object.defineProperty(new Response(null, { headers: told }), 'url', { value: STAND_IN });
}

/** Another version than the one that was begun ends it all: never are two mixed. */
function refuseOtherVersion({ headers }: Response): void {
  if (differ(begun, versionOf(headers))) giveUp({ reason: 'the file is another one now', code: CHANGED });
}

/** The same answer, which fails where it ends before the range that it promised does: the library does not count. */
function countedPart({ status, headers, body }: Response): Response {
  const [, from, to] = /^bytes (\d+)-(\d+)/.exec(headers.get('content-range') ?? '') ?? [];
  let missing = Number(to) - Number(from) + 1; // NaN: no part, which the library refuses
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      missing -= bytes.length;
      controller.enqueue(bytes);
    },
    flush() {
      if (!(missing > 0)) return;
      tell({ type: 'trouble', reason: EARLY });
      throw new Error(EARLY);
    },
  });
  return new Response(body!.pipeThrough(counter), { status, headers });
}

/**
 * A whole file, which the library would write behind what it has if it came again; and in pieces of which its chunks are
 * made, because of others it miscounts the last ones where it does not know the file's length.
 */
function onlyOnce({ status, headers, body }: Response): Response {
  if (hasBegun) giveUp({ reason: EARLY });
  hasBegun = true;
  let rest = Buffer.alloc(0);
  const pieces = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      rest = Buffer.concat([rest, bytes]);
      for (; rest.length >= PIECE; rest = rest.subarray(PIECE)) controller.enqueue(rest.subarray(0, PIECE));
    },
    flush(controller) {
      if (rest.length > 0) controller.enqueue(rest);
    },
  });
  return new Response(body!.pipeThrough(pieces), { status, headers });
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
  tell({ type: 'done' });
} catch (error) {
  if (stop.signal.aborted) tell({ type: 'stopped' });
  else fail(error as Error);
}
