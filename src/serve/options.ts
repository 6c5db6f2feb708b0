import { UsageError } from '../errors.js';
import type { GenerationResult } from '../generation/events.js';
import type { RunOptions } from '../generation/run-options.js';
import type { SettingsInput } from '../generation/settings.js';

/** The address of a server, its clients, and the settings of requests that do not give them. */
export interface ServerOptions {
  /** A name or an address of this machine; undefined: 127.0.0.1. Addresses that other machines reach need `apiKey`. */
  readonly host?: string | undefined;
  /** Undefined: 8077; 0: any free port. */
  readonly port?: number | undefined;
  /** The key that clients must send as `Authorization: Bearer <key>`; undefined: none. */
  readonly apiKey?: string | undefined;
  /** Origins of web pages that may use the server, or '*'; undefined: none. */
  readonly cors?: readonly string[] | undefined;
  /** Number of texts that are written at the same time, >= 1; undefined: 1. Passes of the models always take turns. */
  readonly parallel?: number | undefined;
  /** Number of texts whose caches stay, >= `parallel`; undefined: 2, or `parallel` if that is more. */
  readonly caches?: number | undefined;
  /** The settings of requests that do not give them. */
  readonly settings?: SettingsInput | undefined;
  readonly run?: RunOptions | undefined;
  /** Called with each text that is written. */
  readonly onText?: ((result: GenerationResult) => void) | undefined;
}

/** The default host. */
export const LOCAL_HOST = '127.0.0.1';
/** The default port. */
export const PORT = 8077;

/** Milliseconds that running texts may still take when a server stops. */
export const GRACE_MS = 10_000;

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d+){3}$/.test(host)
  );
}

/** @throws UsageError naming the first option that is wrong */
export function checkServerOptions({
  host = LOCAL_HOST,
  port = PORT,
  apiKey,
  parallel = 1,
  caches,
}: ServerOptions): void {
  for (const [name, count] of Object.entries({ parallel, caches }))
    if (count !== undefined && !(Number.isInteger(count) && count >= 1))
      throw new UsageError(`\`${name}\` must be a whole number, 1 or more, not ${count}`);
  if (!(Number.isInteger(port) && port >= 0 && port <= 65535))
    throw new UsageError(`\`port\` must be a whole number from 0 to 65535, not ${port}`);
  if (apiKey === '') throw new UsageError('`apiKey` is empty');
  if (!isLoopback(host) && apiKey === undefined)
    throw new UsageError(`\`host\` ${host} may be reached from other machines: give an \`apiKey\` too`);
  if (caches !== undefined && caches < parallel)
    throw new UsageError(`\`caches\` must be at least \`parallel\`, which is ${parallel}, not ${caches}`);
}
