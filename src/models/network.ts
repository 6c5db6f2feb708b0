import { UsageError } from '../errors.js';

export type Fetch = typeof globalThis.fetch;

const PROXY_VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'];
/** Milliseconds within which the head of an answer must come. */
export const PATIENCE_MS = 30_000;
const EXCEPTIONS = ['no_proxy', 'NO_PROXY'];

/** The proxy of the environment when it was last needed. It is kept for its open connections. */
let proxied: { readonly environment: string; readonly fetch: Fetch } | undefined;

/**
 * @returns a `fetch` that uses the proxy of the environment, if there is one; NO_PROXY is heeded
 * @throws UsageError for a proxy that is no http URL
 */
export async function openNetwork(): Promise<Fetch> {
  if (!PROXY_VARIABLES.some((name) => process.env[name])) return globalThis.fetch;
  const environment = JSON.stringify([...PROXY_VARIABLES, ...EXCEPTIONS].map((name) => process.env[name]));
  if (proxied?.environment !== environment) proxied = { environment, fetch: await openProxy() };
  return proxied.fetch;
}

async function openProxy(): Promise<Fetch> {
  const { EnvHttpProxyAgent, fetch } = await import('undici'); // a tenth of a second, for few
  const { emitWarning } = process;
  process.emitWarning = () => {}; // the class calls itself experimental
  try {
    const dispatcher = new EnvHttpProxyAgent();
    return ((url: string, init: object) => fetch(url, { ...init, dispatcher })) as unknown as Fetch;
  } catch (cause) {
    throw new UsageError('HTTP_PROXY or HTTPS_PROXY is no http URL; give one such as http://proxy:3128', {
      cause,
    });
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** @returns the reason of a failed fetch in a word: the code of the innermost error, else its message */
export function reasonOf(error: unknown): string {
  const { code, cause, message } = error as NodeJS.ErrnoException & { cause?: unknown };
  return cause ? reasonOf(cause) : (code ?? message);
}
