import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { FileVersion } from './file-version.js';

export interface TransferJob {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly folder: string;
  readonly name: string; // in the folder, once complete; until then with .ipull behind it
  readonly begun: FileVersion; // which every answer must be about
  readonly bytes: number | undefined; // of the file; undefined where nobody tells
  readonly room: number; // bytes that the disk has for a file of which nobody tells the length
}

export type TransferMessage =
  | { readonly type: 'bytes'; readonly bytes: number }
  | { readonly type: 'trouble'; readonly reason: string; readonly status?: number } // it tries again by itself
  | {
      readonly type: 'failed';
      readonly reason: string;
      readonly code?: string | undefined;
      readonly status?: number | undefined; // with which the server refused to go on
    }
  | { readonly type: 'ready' | 'stopped' | 'done' };

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
  readonly log?: ((line: string) => void) | undefined; // what the library says
  readonly stallMs?: number | undefined; // without a byte, after which it is given up
}

/** How a transfer ended early. What came is kept. */
export class TransferError extends Error {
  constructor(
    readonly reason: string,
    readonly code: string | undefined,
    readonly status: number | undefined,
  ) {
    super(`Transfer ended: ${reason}`);
  }
}

/** Codes of a TransferError over what is not the file that was asked for. */
export const WRONG = {
  changed: 'CHANGED', // not the one any more that was begun
  mixed: 'MIXED', // bytes from elsewhere in it
  encoded: 'ENCODED', // compressed; the reason is how
  longer: 'LONGER', // than the reason says
  shorter: 'SHORTER', // parts than were asked for
  noModel: 'NO_MODEL', // the reason ends a sentence about the file
} as const;

const WORKER = new URL('../../dist/models/transfer-worker.js', import.meta.url); // built, also for tests
const STALL_MS = 30_000;
const ORDERLY_END_MS = 2000;
const NO_TROUBLE = { reason: 'no data' };

/**
 * Downloads one file, from where an earlier try of the same name ended.
 * @throws TransferError; the signal's reason
 */
export async function transfer(
  job: TransferJob,
  { signal, onBytes, log, stallMs = STALL_MS }: TransferOptions,
): Promise<void> {
  signal?.throwIfAborted();
  const worker = new Worker(WORKER, { workerData: job, stdout: true, stderr: true, execArgv: [] });
  for (const input of [worker.stdout, worker.stderr])
    createInterface({ input }).on('line', (line) => log?.(line));
  let resolve!: (failure: TransferError | undefined) => void;
  const ended = new Promise<TransferError | undefined>((end) => {
    resolve = end;
  });
  let trouble: { reason: string; status?: number } = NO_TROUBLE; // since the last byte
  let most = -1; // bytes
  let stalled: NodeJS.Timeout | undefined; // runs once the thread has begun
  function giveUp() {
    resolve(new TransferError(trouble.reason, undefined, trouble.status));
  }
  worker.on('message', (message: TransferMessage) => {
    if (message.type === 'ready') stalled = setTimeout(giveUp, stallMs);
    if (message.type === 'done') resolve(undefined);
    if (message.type === 'trouble') trouble = message;
    if (message.type === 'failed') resolve(new TransferError(message.reason, message.code, message.status));
    if (message.type === 'bytes' && message.bytes > most) {
      most = message.bytes;
      trouble = NO_TROUBLE;
      clearTimeout(stalled);
      stalled = setTimeout(giveUp, stallMs);
      onBytes(message.bytes);
    }
  });
  worker.on('error', (error: NodeJS.ErrnoException) =>
    resolve(new TransferError(error.message, error.code, undefined)),
  );
  worker.on('exit', () => resolve(new TransferError('the thread ended', undefined, undefined)));
  const onAbort = () => resolve(new TransferError('interrupted', undefined, undefined));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const failure = await ended;
    if (!failure) return;
    await endOrderly(worker);
    signal?.throwIfAborted();
    throw failure;
  } finally {
    clearTimeout(stalled);
    signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}

/** Lets it finish what it writes. A thread that waits for a dead server does not hear. */
async function endOrderly(worker: Worker): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    worker.on('message', ({ type }: TransferMessage) => type === 'stopped' && resolve());
    worker.on('exit', () => resolve());
  });
  worker.postMessage('stop');
  const enough = new AbortController();
  await Promise.race([stopped, sleep(ORDERLY_END_MS, undefined, { signal: enough.signal }).catch(() => {})]);
  enough.abort();
}
