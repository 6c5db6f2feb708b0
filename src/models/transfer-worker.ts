/**
 * A thread in which node-llama-cpp downloads one file, because its downloader prints, tries again for many minutes,
 * and lets a full disk reject where nobody listens. A thread can be silenced, ended, and listened to.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createModelDownloader } from 'node-llama-cpp';
import { openNetwork, reasonOf } from './network.js';
import type { TransferJob, TransferMessage } from './transfer.js';

const { url, headers, folder, name } = workerData as TransferJob;
const tell = (message: TransferMessage) => parentPort!.postMessage(message);
const stop = new AbortController();

/** The library knows a stand-in only: neither token nor signature can get into what it says or to another server. */
const STAND_IN = 'http://model.invalid/model';

const REPORT_MS = 100;

const network = await openNetwork();
let wantsSize = true;
globalThis.fetch = async (_, init) => {
  stop.signal.throwIfAborted(); // an AbortError is all that keeps the library from trying again
  // To read its length, the library would begin the whole file.
  const range = wantsSize ? 'bytes=0-0' : new Headers(init?.headers).get('range');
  const response = await network(url, {
    signal: init?.signal ?? stop.signal,
    headers: { ...headers, ...(range ? { range } : {}), 'accept-encoding': 'identity' },
  }).catch((error) => {
    tell({ type: 'trouble', reason: reasonOf(error) });
    throw error;
  });
  if (!response.ok) tell({ type: 'trouble', reason: `status ${response.status}`, status: response.status });
  return wantsSize && response.ok ? sizeOnly(response) : response;
};

/** An answer without a body that tells a file's length, and whether it can be had in parts. */
async function sizeOnly(response: Response): Promise<Response> {
  await response.body?.cancel();
  const inParts = response.status === 206;
  const length = inParts
    ? response.headers.get('content-range')?.split('/')[1]
    : response.headers.get('content-length');
  const told = { 'content-length': length ?? '', 'accept-ranges': inParts ? 'bytes' : 'none' };
  return Object.defineProperty(new Response(null, { headers: told }), 'url', { value: STAND_IN });
}

let reported = 0; // ms

const fail = (error: NodeJS.ErrnoException) =>
  tell({ type: 'failed', reason: reasonOf(error), code: error.code });
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
