import { UsageError } from '../errors.js';
import type { RunOptions } from '../generation/run-options.js';
import type { SettingsInput } from '../generation/settings.js';

/** Where a server listens, who may use it, and what holds where a request says nothing. */
export interface ServerOptions {
  /** A name or an address of this machine; undefined: 127.0.0.1. Others than loopback need `apiKey`. */
  readonly host?: string | undefined;
  /** Undefined: 8077; 0: one that is free. */
  readonly port?: number | undefined;
  /** What clients must send as `Authorization: Bearer …`; undefined: nothing. */
  readonly apiKey?: string | undefined;
  /** Origins of web pages that may use the server, or '*'; undefined: none. */
  readonly cors?: readonly string[] | undefined;
  /** Texts that are written at once, >= 1; undefined: 1. Passes of the models run one after another in any case. */
  readonly parallel?: number | undefined;
  /** Texts whose caches stay, >= `parallel`; undefined: 2, or `parallel` if that is more. */
  readonly caches?: number | undefined;
  /** What holds where a request says nothing. */
  readonly settings?: SettingsInput | undefined;
  readonly run?: RunOptions | undefined;
}

/** Where a server listens unless it is told. */
export const LOCAL_HOST = '127.0.0.1';
/** Likewise. */
export const PORT = 8077;

/** Texts that are written when a server stops may take so long, in milliseconds. */
export const GRACE_MS = 10_000;

/** Whether an address is reached from this machine alone. */
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
