import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createParser, ParseError } from 'eventsource-parser';
import { checkedAddress, shownAddress } from '../engine/remote/server-address.js';
import { quoted, type ServerWords, saidIn, wordsIn } from '../engine/remote/server-words.js';
import { ResourceError, UsageError } from '../errors.js';

/** A server that writes texts, under OpenAI's interface. */
export interface ServerAddress {
  /** Of the interface: without a path, /v1 is meant. A query is sent, and not shown. */
  readonly url: string;
  /** Sent to that server alone, as `Authorization: Bearer …`; undefined: none is sent. */
  readonly key?: string | undefined;
}

/** The models of a server. */
export interface ServedModels {
  /** The first is the usual one. Empty: the server does not tell. */
  readonly names: readonly string[];
  /** The `owned_by` of the models, by which programs are known: `mtad`, `llamacpp`, `vllm`; undefined: not told. */
  readonly owner: string | undefined;
}

/** What a server sends in a stream. */
export type ServerEvent = Readonly<Record<string, unknown>>;

/** The most characters of an event, and of an answer that is no stream. */
const MOST = 2 ** 24;

/** The server answers, and refuses the request. */
export class Refused extends UsageError {
  readonly status: number;
  /** The server's name for the error, or for its type; undefined: none. */
  readonly code: string | undefined;

  constructor(message: string, status: number, code: string | undefined) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The server does not answer, breaks off, fails, or speaks otherwise. */
export class ServerError extends Error {}

/** Asks one server. Redirections are not followed, so that no other host gets the key or the prompt. */
export class TextServer {
  /** As messages show it: without a slash at its end, and without its query, which may be secret. */
  readonly url: string;
  readonly #base: URL;
  readonly #key: string | undefined;

  /** @throws UsageError for what is no address of a server */
  constructor({ url, key }: ServerAddress) {
    const base = checkedAddress({ url: 'url', key: 'apiKey' }, url, key);
    base.pathname = base.pathname.replace(/\/+$/, '') || '/v1';
    this.#base = base;
    this.#key = key;
    this.url = shownAddress(base);
  }

  /** @throws Refused where the key is wrong; ServerError where there is no answer */
  async models(signal: AbortSignal): Promise<ServedModels> {
    try {
      const answer = await this.#ask('GET', '/models', undefined, signal);
      const { data } = parsed(await readAll(answer).catch((error) => this.#breakOff(error, signal)));
      const models = Array.isArray(data) ? (data as { id?: unknown; owned_by?: unknown }[]) : [];
      const names = models.map(({ id }) => id).filter((id) => typeof id === 'string');
      const owner = models[0]?.owned_by;
      return { names, owner: typeof owner === 'string' ? owner : undefined };
    } catch (error) {
      if (error instanceof SyntaxError) throw this.strange('its list of models is no JSON');
      if (error instanceof Refused && error.status !== 401) return { names: [], owner: undefined }; // some servers tell no models
      throw error;
    }
  }

  /**
   * Sends a request, and yields the JSON of each event that answers it. An answer may end without its last event.
   * @param path behind the server's address, from / on
   * @throws Refused; ResourceError for a prompt that is too long; ServerError where there is no answer, or where it breaks off
   */
  async *events(path: string, body: object, signal: AbortSignal): AsyncGenerator<ServerEvent, void> {
    const answer = await this.#ask('POST', path, JSON.stringify(body), signal);
    const type = answer.headers['content-type'] ?? 'no type';
    if (!/^text\/event-stream\b/i.test(type)) {
      answer.destroy();
      throw this.strange(`it answers with ${this.quoted(type)} and not with events`);
    }
    const waiting: string[] = [];
    const parser = createParser({
      onEvent: ({ data }) => waiting.push(data),
      onError: (error) => {
        if (error instanceof ParseError && error.type === 'max-buffer-size-exceeded') throw error;
      },
      maxBufferSize: MOST,
    });
    try {
      for await (const chunk of answer) {
        parser.feed(chunk as string);
        for (const data of waiting.splice(0)) {
          if (data === '[DONE]') return;
          yield parsed(data);
        }
      }
    } catch (error) {
      if (error instanceof SyntaxError) throw this.strange('an event is no JSON');
      this.#breakOff(error, signal);
    }
  }

  /** @returns the answer, whose status is 200 */
  async #ask(
    method: 'GET' | 'POST',
    path: string,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const url = new URL(this.#base);
    url.pathname += path;
    const answer = await this.#send(url, method, body, signal);
    const status = answer.statusCode!;
    if (status === 200) return answer;
    const text = await readAll(answer).catch(() => '');
    if (signal.aborted) throw signal.reason;
    throw this.#refusal(url, status, text);
  }

  async #send(
    url: URL,
    method: string,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    try {
      return await new Promise((resolve, reject) => {
        const send = url.protocol === 'https:' ? httpsRequest : httpRequest; // unlike fetch, they wait for a silent server
        const headers = {
          Accept: body === undefined ? 'application/json' : 'text/event-stream',
          ...(body !== undefined && {
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(body),
          }),
          ...(this.#key !== undefined && { Authorization: `Bearer ${this.#key}` }),
        };
        const request: ClientRequest = send(url, { method, headers, signal }, (answer) =>
          resolve(answer.setEncoding('utf8')),
        );
        request.on('error', reject).end(body);
      });
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      const { message, code } = cause as NodeJS.ErrnoException;
      throw new ServerError(`No server answers at ${this.url}: ${message || code} (mtad serve starts one)`, {
        cause,
      });
    }
  }

  #refusal(url: URL, status: number, text: string): Error {
    const words = wordsIn(text);
    const { code } = words;
    const said = `${shownAddress(url)} answers ${status}${saidIn(words, this.#key)}`;
    if (status === 503 || status === 429) return new ServerError(`${said}; try again later`);
    if (isTooLong(words)) return new ResourceError(said);
    if (status >= 500) return new ServerError(said);
    return new Refused(`${said}${HINTS.get(code ?? '') ?? HINTS.get(status) ?? ''}`, status, code);
  }

  /** Returns the beginning of the server's words in one line, without the key, for messages. */
  quoted(words: string): string {
    return quoted(words, this.#key);
  }

  /** An answer that is none. @param cause it repeats no word of the server */
  strange(what: string, cause?: unknown): ServerError {
    return new ServerError(`${this.url} is no server of OpenAI's interface: ${what}`, { cause });
  }

  /** Throws what it means that an answer cannot be read. */
  #breakOff(error: unknown, signal: AbortSignal): never {
    if (signal.aborted) throw signal.reason;
    throw new ServerError(`The connection to ${this.url} broke off: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Codes of mtad serve and llama-server for a prompt that the context does not hold. */
const TOO_LONG: ReadonlySet<string> = new Set(['context_length_exceeded', 'exceed_context_size_error']);

/** Words of vLLM, whose code is the status and whose type is that of any refusal. */
const TOO_LONG_WORDS = /\bmaximum (context|model) length\b/;

function isTooLong({ message, code = '' }: ServerWords): boolean {
  return TOO_LONG.has(code) || TOO_LONG_WORDS.test(message);
}

/** What to do about a refusal, by its code or its status. */
const HINTS: ReadonlyMap<string | number, string> = new Map<string | number, string>([
  [401, '; `apiKey` gives the key'],
  ['model_not_found', '; `servedModel` names another'],
  [404, '; `url` is the address to which OpenAI clients add /chat/completions'],
]);

function parsed(text: string): ServerEvent {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new SyntaxError('no object');
  return value as ServerEvent;
}

async function readAll(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer) {
    text += chunk;
    if (text.length > MOST) throw new Error('the answer has no end');
  }
  return text;
}
