import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

export interface Exchange {
  readonly server: 'hub' | 'cdn';
  readonly method: string;
  readonly url: string; // as it came
  readonly path: string; // decoded
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly authorization: string | undefined;
  status: number;
  sent: number; // bytes of the body
}

/** How the hub misbehaves. */
export interface Mood {
  token?: string | undefined; // without it, 401
  refuseWith?: number | undefined; // every request
  limits?: number | undefined; // requests that get 429 before one succeeds
  retryAfter?: string | undefined; // beside a 429
  leadsTo?: string | undefined; // every request, to there
  cuts?: number | undefined; // bodies of the CDN that are cut in their middle
  silentCuts?: boolean | undefined; // those look like the end: no length was promised
  gone?: boolean | undefined; // the CDN ends every connection
  goneAfter?: number | undefined; // bytes that the CDN gave, after which it is gone
  holdAfter?: number | undefined; // bytes that the CDN gave, after which it gives nothing while this is so
  holdAt?: number | undefined; // bytes of each body, after which the CDN gives nothing of it while this is so
  cdnStatus?: number | undefined; // every answer of the CDN
  renamed?: string | undefined; // 'user/repo' that has the files now; other names lead there
  bytesPerSecond?: number | undefined; // of each connection
  linkedSize?: number | undefined; // instead of the true one
  linkedEtag?: string | undefined; // likewise
  contentLength?: number | undefined; // that the CDN claims without sending so much
  ranges?: boolean | undefined; // false: the CDN knows none
  head?: number | undefined; // status with which the CDN refuses HEAD
  tells?: boolean | undefined; // false: the CDN tells nothing of a file, neither its length nor its version
  etag?: boolean | 'weak' | undefined; // false: the CDN tells no tag
  lastModified?: string | undefined; // of every file of the CDN
  disposition?: string | undefined;
  rfilename?: string | undefined; // what the manifest says
  startOf?: ((from: number) => number) | undefined; // where the CDN begins a range that is to begin at `from`
  saysStart?: boolean | undefined; // and Content-Range says so
  saysEnd?: ((to: number) => number) | undefined; // what Content-Range says instead of `to`
  longestRange?: number | undefined; // bytes, of which the CDN gives no more at once
  encoding?: string | undefined; // what Content-Encoding says of bodies that are as they are
  gzip?: number | undefined; // bodies of the CDN from so many bytes on are compressed
  endless?: boolean | undefined; // bodies of the CDN go on with zeros; no length is told, unless `tells`, that of the file
}

const PIECE = 60_000; // bytes; no power of two, as lines have none
/** As fast as a good line, so that little is on its way when a connection is closed: megabytes, at the speed of loopback. */
const PACE = 20e6; // bytes per second

/**
 * A hub on loopback that answers as Hugging Face does: manifests, and files by a redirect to a server of another origin,
 * which knows ranges. It remembers what it was asked.
 */
export class Hub {
  readonly log: Exchange[] = [];
  readonly files = new Map<string, Buffer>(); // 'user/repo/path in it'
  mood: Mood = {};
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answer('hub', request, response));
    this.#cdn = createServer((request, response) => this.#answer('cdn', request, response));
  }

  static async open(): Promise<Hub> {
    const hub = new Hub();
    for (const server of [hub.#hub, hub.#cdn])
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return hub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  get cdn(): string {
    return `http://127.0.0.1:${(this.#cdn.address() as AddressInfo).port}`;
  }

  /** What the CDN was asked for. */
  get fetched(): Exchange[] {
    return this.log.filter(({ server }) => server === 'cdn');
  }

  /** Bytes that the CDN gave. */
  get sent(): number {
    return this.fetched.reduce((sum, { sent }) => sum + sent, 0);
  }

  reset(): void {
    this.mood = {};
    this.log.length = 0;
  }

  async close(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    }
  }

  #answer(server: 'hub' | 'cdn', request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    const { range, authorization } = headers;
    const ifRange = headers['if-range'] as string | undefined; // Node joins repeated ones
    const path = decodeURIComponent(new URL(url, 'http://hub').pathname);
    const exchange: Exchange = {
      server,
      method,
      url,
      path,
      range,
      ifRange,
      authorization,
      status: 0,
      sent: 0,
    };
    this.log.push(exchange);
    response.on('finish', () => {
      exchange.status = response.statusCode;
    });
    if (server === 'hub') this.#asHub(path, request, response);
    else void this.#asCdn(path, request, response, exchange).catch(() => response.destroy());
  }

  #asHub(path: string, { headers }: IncomingMessage, response: ServerResponse): void {
    const {
      token,
      refuseWith,
      limits = 0,
      retryAfter,
      linkedSize,
      linkedEtag,
      rfilename,
      renamed,
      leadsTo,
    } = this.mood;
    const end = (status: number, told: Record<string, string> = {}, body = '') =>
      response.writeHead(status, told).end(body);
    if (refuseWith) return void end(refuseWith, retryAfter ? { 'retry-after': retryAfter } : {});
    if (limits > 0) {
      this.mood.limits = limits - 1;
      return void end(429, retryAfter ? { 'retry-after': retryAfter } : { ratelimit: '"api";r=0;t=1' });
    }
    if (leadsTo) return void end(302, { location: leadsTo });
    const [, before, , after] = /^(\/v2)?(\/[^/]+\/[^/]+)(\/.*)/.exec(path) ?? [];
    const current = `${before ?? ''}/${renamed}${after}`;
    if (renamed && path !== current) return void end(307, { location: current });
    if (token && headers.authorization !== `Bearer ${token}`) return void end(401);
    const [user, repo, ...rest] = path.slice(1).split('/');
    if (user === 'v2') {
      const [model, , quant] = rest;
      const names = [...this.files.keys()].filter((name) => name.startsWith(`${repo}/${model}/`));
      const name = names.find((name) => quant === 'latest' || name.includes(quant!));
      if (!name) return void end(400);
      const file = rfilename ?? name.split('/').slice(2).join('/');
      return void end(
        200,
        { 'content-type': 'application/json' },
        JSON.stringify({ ggufFile: { rfilename: file } }),
      );
    }
    const bytes = this.files.get([user, repo, ...rest.slice(2)].join('/'));
    if (!bytes) return void end(404, { 'x-error-code': 'EntryNotFound' });
    end(302, {
      location: `${this.cdn}/${encodeURIComponent([user, repo, ...rest.slice(2)].join('/'))}?signature=secret`,
      'x-linked-size': String(linkedSize ?? bytes.length),
      'x-linked-etag': `"${linkedEtag ?? createHash('sha256').update(bytes).digest('hex')}"`,
    });
  }

  #holds(sentOfBody: number): boolean {
    const { holdAfter = Infinity, holdAt = Infinity } = this.mood;
    return this.sent >= holdAfter || sentOfBody >= holdAt;
  }

  async #asCdn(
    path: string,
    { headers, method }: IncomingMessage,
    response: ServerResponse,
    exchange: Exchange,
  ): Promise<void> {
    const { gone, cuts = 0, bytesPerSecond = PACE, contentLength, disposition, cdnStatus, head } = this.mood;
    const { startOf = (from: number) => from, saysStart, gzip = Infinity, endless = false } = this.mood;
    const { saysEnd = (to: number) => to, longestRange = Infinity, encoding } = this.mood;
    const { tells = !endless, etag = tells, ranges = tells, silentCuts = false, lastModified } = this.mood;
    const bytes = this.files.get(path.slice(1));
    if (method === 'HEAD' && head) return void response.writeHead(head).end();
    if (cdnStatus) return void response.writeHead(cdnStatus).end();
    if (gone) return void response.destroy();
    if (!bytes) return void response.writeHead(404).end();
    const strong = `"${createHash('sha256').update(bytes).digest('hex')}"`;
    const tag = etag === 'weak' ? `W/${strong}` : etag ? strong : undefined;
    const condition = exchange.ifRange; // a weak tag never meets it
    const isMet = condition === undefined || condition === (condition.startsWith('"') ? tag : lastModified);
    const [, from, to] = (ranges && isMet && /bytes=(\d+)-(\d*)/.exec(headers.range ?? '')) || [];
    const askedFrom = Number(from ?? 0);
    const askedTo = Math.min(to ? Number(to) + 1 : Infinity, bytes.length, askedFrom + longestRange);
    const start = startOf(askedFrom);
    const end = start + askedTo - askedFrom;
    const said = saysStart ? start : askedFrom;
    const zipped = end - start >= gzip ? gzipSync(bytes.subarray(start, end), { level: 1 }) : undefined;
    response.writeHead(from === undefined ? 200 : 206, {
      ...(tells && !endless && !(silentCuts && cuts > 0)
        ? { 'content-length': String(contentLength ?? zipped?.length ?? end - start) }
        : {}),
      ...(tag ? { etag: tag } : {}),
      ...(lastModified ? { 'last-modified': lastModified } : {}),
      ...(ranges ? { 'accept-ranges': 'bytes' } : {}),
      ...(disposition ? { 'content-disposition': disposition } : {}),
      ...(from === undefined
        ? {}
        : {
            'content-range': `bytes ${said}-${saysEnd(said + end - start - 1)}/${tells ? bytes.length : '*'}`,
          }),
      ...(zipped
        ? { 'content-encoding': 'gzip' }
        : encoding === undefined
          ? {}
          : { 'content-encoding': encoding }),
    });
    if (method === 'HEAD') return void response.end();
    if (zipped) return void response.end(zipped);
    const cut = cuts > 0 && end - start > 1 ? Math.floor((start + end) / 2) : undefined;
    if (cut !== undefined) this.mood.cuts = cuts - 1;
    const closed = once(response, 'close');
    for (let at = start; at < end || endless; at += PIECE) {
      while (this.#holds(at - start) && !response.destroyed) await sleep(20);
      if (this.sent >= (this.mood.goneAfter ?? Infinity)) this.mood.gone = true;
      if (cut !== undefined && at >= cut && silentCuts) break;
      if ((cut !== undefined && at >= cut) || this.mood.gone) return void response.destroy();
      const piece = at < end ? bytes.subarray(at, Math.min(at + PIECE, end)) : Buffer.alloc(PIECE);
      exchange.sent += piece.length;
      if (!response.write(piece)) await Promise.race([once(response, 'drain'), closed]);
      if (response.destroyed) return;
      await sleep((1000 * PIECE) / bytesPerSecond);
    }
    response.end();
  }
}

/** What a models folder holds under its final name. */
export async function modelsIn(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return files.filter((name) => name.endsWith('.gguf') && !name.startsWith('.'));
}
