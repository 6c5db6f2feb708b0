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
  /** Path of the partial file. New bytes go behind those that are there. */
  readonly path: string;
  /** The version of the file that every answer must have. */
  readonly begun: FileVersion;
  /** Value of the header If-Range; undefined: the header is not sent. */
  readonly validator: string | undefined;
  /** Length of the whole file; undefined: no server tells. */
  readonly bytes: number | undefined;
  /** Bytes that the disk has room for: the bound for a file of unknown length. */
  readonly room: number;
  /** Whether to compute the SHA-256. */
  readonly hashed: boolean;
  /** Removes a file, unless another process works on it by now. */
  readonly remove: (path: string) => Promise<void>;
}

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
  /** Called with the reason of each new try. */
  readonly log?: ((line: string) => void) | undefined;
  /** Milliseconds without a new byte after which the transfer fails; default 30,000. */
  readonly stallMs?: number | undefined;
  /** Milliseconds before a new try, default 500; doubled, up to 5000, each time that nothing came. */
  readonly retryMs?: number | undefined;
}

const STALL_MS = 30_000;
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;
/** A connection that began to give bytes may be silent for this share of `stallMs`. */
const SILENCE = 1 / 3;
/** Whether a server may answer otherwise soon after this status. */
const PASSING = (status: number) => status === 408 || status === 429 || status >= 500;
/**
 * So many bytes before the first new byte are asked for again, and must equal those that are there. This finds servers that
 * answer a range with bytes from elsewhere, where no checksum does; but not where bytes repeat (padding, zeros).
 */
const OVERLAP = 256;

const EARLY = 'the answer ended early';

/** A failure that may pass: the same question is asked again. */
class Trouble extends Error {
  constructor(
    readonly reason: string,
    readonly status?: number,
  ) {
    super(reason);
  }
}

/**
 * Downloads one file over one connection, from the byte where an earlier try ended. After a failure the partial file
 * stays. It is removed only where a server that knows no ranges began it, since that server cannot continue it.
 * @returns the SHA-256 in hex, if `hashed`
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

  /** @returns milliseconds until the transfer fails, if nothing new comes */
  #patience(): number {
    return Math.max(0, this.#stallMs - (performance.now() - this.#newest));
  }

  /** Asks for the rest of the file, and keeps what comes. @throws Trouble where less comes than the answer promised */
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
