import { UsageError } from '../errors.js';

export type Fetch = typeof globalThis.fetch;

const PROXY_VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'];

/**
 * `fetch`, through the proxy that the environment names, if it names one. NO_PROXY is heeded.
 * @throws UsageError for a proxy that is no URL
 */
export async function openNetwork(): Promise<Fetch> {
  if (!PROXY_VARIABLES.some((name) => process.env[name])) return globalThis.fetch;
  const { EnvHttpProxyAgent, fetch } = await import('undici'); // a tenth of a second, for few
  const { emitWarning } = process;
  process.emitWarning = () => {}; // the class calls itself experimental
  try {
    const dispatcher = new EnvHttpProxyAgent();
    return ((url: string, init: object) => fetch(url, { ...init, dispatcher })) as unknown as Fetch;
  } catch (cause) {
    throw new UsageError('HTTP_PROXY or HTTPS_PROXY is not a URL; give one such as http://proxy:3128', {
      cause,
    });
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Why a fetch failed, in a word: the code of the innermost error that has one. */
export function reasonOf(error: unknown): string {
  const { code, cause, message } = error as NodeJS.ErrnoException & { cause?: unknown };
  return cause ? reasonOf(cause) : (code ?? message);
}
