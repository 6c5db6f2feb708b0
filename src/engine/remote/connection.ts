import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../../errors.js';
import { checkedAddress, shownAddress } from './server-address.js';
import { saidIn, wordsIn } from './server-words.js';

/** The target that runs on another machine. */
export interface RemoteOptions {
  /** Of a server that judges texts: `mtad serve`, SGLang or llama-server. Without a path. */
  readonly url: string;
  /** Sent to that server alone, as `Authorization: Bearer …`; undefined: none is sent. */
  readonly key?: string | undefined;
}

/** What went over the network so far. */
export interface Traffic {
  readonly url: string;
  readonly roundTrips: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** A server may take so long for one answer, in milliseconds. */
const PATIENCE_MS = 120_000;
/** Waiting times before a request is sent again, in milliseconds: it asks, and changes nothing. */
const PAUSES_MS = [200, 1000];

/** Sends requests to one server. */
export class Connection {
  /** As messages show it: without a slash at its end, and without its query, which may be secret. */
  readonly url: string;
  readonly #base: URL;
  readonly #key: string | undefined;
  #traffic = { roundTrips: 0, bytesSent: 0, bytesReceived: 0 };

  /** @throws UsageError for what is no address of a server */
  constructor({ url, key }: RemoteOptions) {
    this.#base = checkedAddress({ url: 'targetUrl', key: 'targetKey' }, url, key);
    this.url = shownAddress(this.#base);
    this.#key = key;
  }

  get traffic(): Traffic {
    return { url: this.url, ...this.#traffic };
  }

  /**
   * @param path of the server, from / on
   * @returns the answer in JSON
   * @throws Refused where the server refuses the request, Error where there is no answer
   */
  async ask(path: string, body: object): Promise<unknown> {
    const sent = JSON.stringify(body);
    for (const pause of PAUSES_MS) {
      const answer = await this.#try(path, sent).catch((error: unknown) => error);
      if (!(answer instanceof Unanswered)) {
        if (answer instanceof Error) throw answer;
        return answer;
      }
      await sleep(pause);
    }
    return this.#try(path, sent);
  }

  /** An answer that is none of a format. */
  strange(format: string): Error {
    return new Error(`The target at ${this.url} does not answer as ${format} does`);
  }

  async #try(path: string, body: string): Promise<unknown> {
    let status: number;
    let text: string;
    const address = new URL(this.#base);
    address.pathname = address.pathname.replace(/\/+$/, '') + path;
    try {
      const response = await fetch(address, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          ...(this.#key !== undefined && { Authorization: `Bearer ${this.#key}` }),
        },
        body,
        redirect: 'error', // another host is not to get the key
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      const { cause: inner, message } = cause as Error;
      const why = inner instanceof Error && inner.message !== '' ? inner.message : message;
      throw new Unanswered(`The target at ${this.url} does not answer: ${why}`, { cause });
    }
    this.#traffic.roundTrips++;
    this.#traffic.bytesSent += Buffer.byteLength(body);
    this.#traffic.bytesReceived += Buffer.byteLength(text);
    const said = saidIn(wordsIn(text), this.#key);
    if (status === 503) throw new Unanswered(`The target at ${this.url} is busy or stopping${said}`);
    if (status !== 200) throw new Refused(`The target at ${this.url} refuses (${status})${said}`, status);
    try {
      return JSON.parse(text);
    } catch {
      throw new UsageError(`The target at ${this.url} does not answer in JSON${said}`); // the cause repeats the answer
    }
  }
}

/** The server answers, but not to this request. */
export class Refused extends UsageError {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Nothing came, or nothing but that it may come later. */
class Unanswered extends Error {}
