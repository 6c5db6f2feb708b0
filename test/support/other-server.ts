/** A server of OpenAI's interface that is no mtad: real HTTP, and answers as a test has them. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as bodyOf } from 'node:stream/consumers';

/** Runs what is tried against a server that answers as the test says. */
export async function against<T>(answer: RequestListener, use: (url: string) => Promise<T>): Promise<T> {
  const http = createServer(answer);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
  } finally {
    http.closeAllConnections();
    http.close();
  }
}

/** Answers with models of an owner, and with these events. `end` says how the stream goes on behind them. */
export function streaming(
  events: readonly unknown[],
  { owner = 'me', model = 'a-model', end = 'data: [DONE]\n\n', onBody = (_: unknown): void => {} } = {},
): RequestListener {
  return async ({ method, socket }, answer) => {
    if (method === 'GET') {
      answer.end(JSON.stringify({ data: [{ id: model, owned_by: owner }] }));
      return;
    }
    onBody(JSON.parse(await bodyOf(answer.req)));
    answer.setHeader('Content-Type', 'text/event-stream');
    for (const event of events) answer.write(`data: ${JSON.stringify(event)}\r\n\r\n`);
    if (end === 'lost') setTimeout(() => socket.destroy(), 20);
    else if (end !== 'open') answer.end(end);
  };
}

/** An event with a piece of the answer. */
export const said = (content: string, more: object = {}) => ({ choices: [{ delta: { content }, ...more }] });
