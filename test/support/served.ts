import type { Pair } from '../../src/models/pair.js';
import type { ServerOptions } from '../../src/serve/options.js';
import { type Server, startServer } from '../../src/serve/server.js';

/** What makes a text the same each time. */
export const FIXED = { seed: 1, draft_length: 4, max_tokens: 16 };

export const CHAT = '/v1/chat/completions';
export const COMPLETIONS = '/v1/completions';

/** A server on a free port of loopback. */
export function serving(pair: Pair, options: ServerOptions = {}): Promise<Server> {
  return startServer(pair, { port: 0, run: { threads: 1, contextSize: 512 }, ...options });
}

/** Sends JSON, or what is JSON already. */
export function post(
  server: Server,
  path: string,
  body: unknown,
  { headers = {}, signal }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(server.url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });
}

// biome-ignore lint/suspicious/noExplicitAny: an answer of any shape, which the test is about
export type Answer = any;

/** The answer to a request that is to succeed. */
export async function asked(server: Server, path: string, body: unknown): Promise<Answer> {
  const response = await post(server, path, body);
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

/** The text of a completion with a fixed seed. */
export async function completed(server: Server, prompt: string, more: object = {}): Promise<string> {
  return (await asked(server, COMPLETIONS, { ...FIXED, prompt, ...more })).choices[0].text;
}

/** The data of all events of a stream, without the last, which ends it. */
export async function eventsOf(response: Response): Promise<Answer[]> {
  const data = [...(await response.text()).matchAll(/^data: (.*)\n\n/gm)].map(([, text]) => text!);
  if (data.pop() !== '[DONE]') throw new Error('The stream does not end with [DONE]');
  return data.map((text) => JSON.parse(text));
}

/** Calls until what it returns is right. */
export async function eventually<T>(look: () => Promise<T>, isRight: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await look();
    if (isRight(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A count in the metrics, by its name or the beginning of it. */
export async function metric(server: Server, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`mtad_${name}`));
  return Number(line?.split(' ').at(-1));
}
