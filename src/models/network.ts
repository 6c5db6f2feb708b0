import { UsageError } from '../errors.js';

export type Fetch = typeof globalThis.fetch;

const PROXY_VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'];
/** For the head of an answer. */
export const PATIENCE_MS = 30_000;
const EXCEPTIONS = ['no_proxy', 'NO_PROXY'];

/** Of the environment as it was when a proxy was last needed: its connections are kept. */
let proxied: { readonly environment: string; readonly fetch: Fetch } | undefined;

/**
 * `fetch`, through the proxy that the environment names, if it names one. NO_PROXY is heeded.
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

let turns: Promise<unknown> = Promise.resolve();

/**
 * Runs what calls the global `fetch`, because it knows neither a proxy nor a limit of time. One at a time; others in the
 * process that fetch meanwhile do so through the same proxy.
 */
export function withNetwork<T>(run: () => Promise<T>): Promise<T> {
  const turn = turns.then(async () => {
    const before = globalThis.fetch;
    const network = await openNetwork();
    globalThis.fetch = async (input, init) => {
      const patience = new AbortController();
      const timer = setTimeout(() => patience.abort(new Error('no answer')), PATIENCE_MS);
      const signals = [patience.signal, ...(init?.signal ? [init.signal] : [])];
      try {
        return await network(input, { ...init, signal: AbortSignal.any(signals) });
      } finally {
        clearTimeout(timer);
      }
    };
    try {
      return await run();
    } finally {
      globalThis.fetch = before;
    }
  });
  turns = turn.catch(() => {});
  return turn;
}

/** Why a fetch failed, in a word: the code of the innermost error that has one. */
export function reasonOf(error: unknown): string {
  const { code, cause, message } = error as NodeJS.ErrnoException & { cause?: unknown };
  return cause ? reasonOf(cause) : (code ?? message);
}
