import { setTimeout as sleep } from 'node:timers/promises';
import type { Credentials } from './ask.js';
import { type Extent, extentOf } from './file-answer.js';
import type { FileVersion } from './file-version.js';
import { lengthLimit } from './length-limit.js';
import { openNetwork, reasonOf } from './network.js';
import { PartialFile } from './partial-file.js';
import { TransferError, WRONG } from './transfer-error.js';

export interface TransferJob {
  readonly url: string;
  readonly credentials: Credentials;
  /** Where the bytes go, behind those that are there. */
  readonly path: string;
  /** Which every answer must be of. */
  readonly begun: FileVersion;
  /** For If-Range. */
  readonly validator: string | undefined;
  /** Of the file; undefined where nobody tells. */
  readonly bytes: number | undefined;
  /** Bytes that the disk has for a file of which nobody tells the length. */
  readonly room: number;
  /** Whether the SHA-256 is wanted. */
  readonly hashed: boolean;
  /** Removes a file, unless another process works on it now. */
  readonly remove: (path: string) => Promise<void>;
}

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
  /** Why it tries again. */
  readonly log?: ((line: string) => void) | undefined;
  /** Without a new byte, after which it gives up. */
  readonly stallMs?: number | undefined;
  /** Before it tries again; twice as long each time that nothing came. */
  readonly retryMs?: number | undefined;
}

const STALL_MS = 30_000;
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;
/** Of a connection that has begun to give bytes and gives no more: as a share of the time until it gives up. */
const SILENCE = 1 / 3;
/** Statuses of servers that may answer otherwise soon. */
const PASSING = (status: number) => status === 408 || status === 429 || status >= 500;
/**
 * Bytes before the first new one that are asked for once more, and must be those that are there: they tell a server that
 * answers ranges with bytes from elsewhere, where no checksum does. They cannot tell it where bytes repeat themselves
 * (padding, zeros).
 */
const OVERLAP = 256;

const EARLY = 'the answer ended early';

/** What may pass: the same question is asked again. */
class Trouble extends Error {
  constructor(
    readonly reason: string,
    readonly status?: number,
  ) {
    super(reason);
  }
}

/**
 * Downloads one file over one connection, from where an earlier try ended. What came is kept, save for a file that its
 * server cannot continue: one that it began to give whole, in answer to a range.
 * @returns its SHA-256, if that is wanted
 * @throws TransferError; the signal's reason; failures of the file system
 */
export async function transfer(job: TransferJob, options: TransferOptions): Promise<string | undefined> {
  const part = await PartialFile.open(job.path, job.hashed, options.signal);
  const transfer = new Transfer(job, part, options);
  let isDone = false;
  try {
    await transfer.run();
    const digest = await part.finish();
    isDone = true;
    return digest;
  } finally {
    await part.close();
    if (!isDone && (part.length === 0 || !transfer.canContinue)) await job.remove(job.path);
  }
}

class Transfer {
  canContinue = true; // as far as the server has shown
  readonly #signal: AbortSignal | undefined;
  readonly #stallMs: number;
  #newest = performance.now(); // when the last new byte came
  #hasCome = false; // a new byte

  constructor(
    readonly job: TransferJob,
    readonly part: PartialFile,
    readonly options: TransferOptions,
  ) {
    this.#signal = options.signal;
    this.#stallMs = options.stallMs ?? STALL_MS;
  }

  async run(): Promise<void> {
    const { job, part } = this;
    const { log, retryMs = RETRY_MS } = this.options;
    for (let wait = retryMs; job.bytes === undefined || part.length < job.bytes; ) {
      const before = part.length;
      try {
        await this.#attempt();
        if (job.bytes === undefined) return;
      } catch (error) {
        this.#signal?.throwIfAborted();
        if (!(error instanceof Trouble)) throw error;
        wait = part.length > before ? retryMs : Math.min(2 * wait, LONGEST_RETRY_MS);
        if (wait >= this.#patience()) throw new TransferError(error.reason, undefined, error.status);
        log?.(`${new URL(job.url).host}: ${error.reason}; trying again in ${wait / 1000} s`);
        await sleep(wait, undefined, this.#signal && { signal: this.#signal });
      }
    }
  }

  /** @returns ms until it gives up, if nothing new comes */
  #patience(): number {
    return Math.max(0, this.#stallMs - (performance.now() - this.#newest));
  }

  /** Asks for the rest, and takes of it what comes. @throws Trouble where that is not all that the answer promised */
  async #attempt(): Promise<void> {
    const asked = Math.max(0, this.part.length - OVERLAP);
    const end = new AbortController();
    const silence = () => end.abort(new Error('no data'));
    let timer = setTimeout(silence, this.#patience());
    try {
      const response = await this.#ask(asked, end.signal);
      clearTimeout(timer);
      timer = setTimeout(silence, Math.min(this.#patience(), this.#stallMs * SILENCE));
      await this.#take(response, extentOf(response, this.job, asked), timer);
    } finally {
      clearTimeout(timer);
      end.abort(); // the connection, where the answer is not read to its end
    }
  }

  async #ask(from: number, end: AbortSignal): Promise<Response> {
    const { url, credentials, bytes, validator } = this.job;
    const fetch = await openNetwork();
    const response = await fetch(url, {
      signal: this.#signal ? AbortSignal.any([this.#signal, end]) : end,
      headers: {
        ...credentials,
        ...(bytes === undefined ? {} : { range: `bytes=${from}-` }),
        ...(from > 0 && validator !== undefined ? { 'if-range': validator } : {}),
        'accept-encoding': 'identity',
      },
    }).catch((error) => {
      throw new Trouble(reasonOf(error));
    });
    const { ok, status } = response;
    if (ok) return response;
    if (status === 416) throw new TransferError('the file is another one now', WRONG.changed);
    throw PASSING(status)
      ? new Trouble(`status ${status}`, status)
      : new TransferError(`status ${status}`, undefined, status);
  }

  async #take(response: Response, { from, to }: Extent, timer: NodeJS.Timeout): Promise<void> {
    const { job, part, options } = this;
    const isWhole = response.status !== 206;
    const before = part.length;
    if (isWhole && this.#hasCome) throw new TransferError(EARLY); // nobody wants to begin for ever
    if (!isWhole || before === 0) this.canContinue = !isWhole;
    const refuseTooMuch = isWhole ? lengthLimit(job.bytes, job.room) : () => {};
    let at = from;
    for await (const piece of piecesOf(response)) {
      timer.refresh();
      refuseTooMuch(piece);
      if (at + piece.length > to) throw new TransferError('is asked for', WRONG.longer);
      const known = await part.read(at, Math.min(piece.length, before - at));
      at += piece.length;
      if (!known.equals(piece.subarray(0, known.length)))
        throw isWhole
          ? new TransferError(job.path, WRONG.unlike)
          : new TransferError('other bytes than were asked for', WRONG.mixed);
      if (known.length === piece.length) continue;
      await part.append(piece.subarray(known.length));
      this.#hasCome = true;
      this.#newest = performance.now();
      options.onBytes(part.length);
    }
    if (job.bytes === undefined && part.length === 0) throw new TransferError('nothing', WRONG.nothing);
    if (part.length === before || (Number.isFinite(to) && at < to)) throw new Trouble(EARLY);
  }
}

/** @throws Trouble where the connection is lost */
async function* piecesOf({ body }: Response): AsyncGenerator<Uint8Array, void> {
  try {
    yield* (body ?? []) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new Trouble(reasonOf(error));
  }
}
