import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import type { Pair } from '../models/pair.js';
import { ModelNames } from './model-names.js';
import { checkServerOptions, GRACE_MS, isLoopback, LOCAL_HOST, PORT, type ServerOptions } from './options.js';
import { Writer } from './writer.js';

/** A server that listens. */
export interface Server {
  /** Without a slash at its end. */
  readonly url: string;
  /**
   * Stops the server: it takes no more requests, refuses those that wait, waits for the texts that are being written, and
   * frees the caches. The pair stays loaded.
   * @param graceMs milliseconds that a text may still take; then it ends with an error
   */
  stop(graceMs?: number): Promise<void>;
}

/** Number of texts whose caches stay. */
const CACHES = 2;

/**
 * Starts an HTTP server for one pair, with OpenAI's endpoints.
 * @throws UsageError for settings that contradict each other, and for a host that other machines reach without a key;
 *   ResourceError where the memory does not suffice for the caches; Error where the server cannot listen
 */
export async function startServer(pair: Pair, options: ServerOptions = {}): Promise<Server> {
  checkServerOptions(options);
  const { host = LOCAL_HOST, port = PORT, apiKey, cors = [], parallel = 1 } = options;
  const { caches = Math.max(CACHES, parallel), settings: defaults = {}, run = {}, onText } = options;
  const [{ createAdaptorServer }, { createApp }] = await Promise.all([
    import('@hono/node-server'), // loaded only by programs that start a server
    import('./app.js'),
  ]);
  const writer = new Writer(pair, run, { parallel, caches });
  const names = new ModelNames(basename(pair.targetHeader.path, '.gguf'));
  const app = createApp({ writer, names, defaults, apiKey, cors, isLocal: isLoopback(host), onText });
  const http = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as HttpServer;
  await writer.warmUp(defaults);
  try {
    await listening(http, port, host);
  } catch (error) {
    await writer.stop(0);
    throw error;
  }
  const { port: taken } = http.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    async stop(graceMs = GRACE_MS) {
      const closed = new Promise((resolve) => http.close(resolve));
      await writer.stop(graceMs);
      const late = setTimeout(() => http.closeAllConnections(), LATE_MS);
      http.closeIdleConnections();
      await closed;
      clearTimeout(late);
    },
  };
}

/** Milliseconds after the end of an answer until its connection is closed, if the client does not read it. */
const LATE_MS = 1000;

function listening(http: HttpServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE' ? 'another program listens there; give another `port`' : cause.message;
      reject(new Error(`Cannot listen on ${host}, port ${port}: ${why}`, { cause }));
    });
    http.listen(port, host, () => resolve());
  });
}
