import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import type { Server } from '../../src/serve/server.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import {
  type Answer,
  asked,
  COMPLETIONS,
  completed,
  eventsOf,
  eventually,
  FIXED,
  metric,
  post,
  serving,
} from '../support/served.js';
import { tries } from '../support/tries.js';

const PROMPTS = ['Once upon a time', 'The cat', 'One day, a girl named', 'Tom and his dog'];
const LONG = { ...FIXED, prompt: 'Once upon a time', max_tokens: 400, ignore_eos: true };

let pair: Pair;
beforeAll(async () => {
  pair = await loadPair({ gpu: 'off' });
});
afterAll(() => pair?.dispose());

/** What the library writes with the same seed. */
async function alone(prompt: string, seed: number, more: SettingsInput = {}): Promise<string> {
  for await (const event of generate(
    pair,
    prompt,
    { seed, draftLength: 4, maxTokens: 16, ...more },
    { threads: 1, contextSize: 512 },
  ))
    if (event.type === 'end') return event.result.text;
  throw new Error('no end');
}

describe.each([
  ['one after another', {}],
  ...tries([], [['two at once', { parallel: 2 }] as const]),
  ['four at once, one cache each', { parallel: 4, caches: 4 }],
] as const)('requests at the same time, %s', (_, options) => {
  it('are each answered as if they were alone', async () => {
    const server = await serving(pair, options);
    const requests = PROMPTS.flatMap((prompt) => tries([1], [1, 2, 3]).map((seed) => ({ prompt, seed })));
    const texts = await Promise.all(requests.map(({ prompt, seed }) => completed(server, prompt, { seed })));
    const expected: string[] = [];
    for (const { prompt, seed } of requests) expected.push(await alone(prompt, seed));
    expect(texts).toEqual(expected);
    await server.stop();
  });
});

it('texts by several strategies at once are right, and a third of the clients goes away at some time', async () => {
  const server = await serving(pair, { parallel: 4, caches: 4 });
  const ends = STRATEGY_NAMES.flatMap((strategy) => [1, 2, 3].map((seed) => ({ strategy, seed }))).map(
    async ({ strategy, seed }, i) => {
      const controller = new AbortController();
      const body = { ...FIXED, prompt: PROMPTS[i % 4], strategy, seed };
      const answer = post(server, COMPLETIONS, body, controller).then((response) => response.json());
      if (seed === 3) setTimeout(() => controller.abort(), 3 * i);
      const text = await answer.then(
        (json) => (json as Answer).choices[0].text,
        (error: Error) => error.name,
      );
      if (text !== 'AbortError') expect(text).toBe(await alone(PROMPTS[i % 4]!, seed, { strategy }));
      return text === 'AbortError' ? 'cancelled' : 'equal';
    },
  );
  const counts = { cancelled: 0, equal: 0 };
  for (const end of await Promise.all(ends)) counts[end]++;
  expect(counts.equal).toBeGreaterThanOrEqual((2 * ends.length) / 3);
  expect(counts.cancelled).toBeGreaterThan(0);
  await server.stop();
});

describe('a client that goes away', () => {
  let server: Server;
  beforeAll(async () => {
    server = await serving(pair);
  });
  afterAll(() => server?.stop());

  const nothingRuns = () =>
    eventually(
      () => metric(server, 'num_requests_running'),
      (count) => count === 0,
    );

  it('ends its text while it streams', async () => {
    const controller = new AbortController();
    const response = await post(server, COMPLETIONS, { ...LONG, stream: true }, controller);
    const reader = response.body!.getReader();
    await reader.read();
    controller.abort();
    await nothingRuns();
    expect(await metric(server, 'request_success_total{finished_reason="interrupted"')).toBe(1);
    expect(await metric(server, 'generation_tokens_total')).toBeLessThan(400);
  });

  it('ends its text where it waits for the whole', async () => {
    const controller = new AbortController();
    const response = post(server, COMPLETIONS, LONG, controller).catch((error: Error) => error.name);
    await eventually(
      () => metric(server, 'num_requests_running'),
      (count) => count === 1,
    );
    controller.abort();
    expect(await response).toBe('AbortError');
    await nothingRuns();
  });

  it('leaves the queue, and the others move up', async () => {
    const first = new AbortController();
    const second = new AbortController();
    const running = post(server, COMPLETIONS, { ...LONG, stream: true }, first);
    await (await running).body!.getReader().read();
    const waiting = post(server, COMPLETIONS, LONG, second).catch((error: Error) => error.name);
    await eventually(
      () => metric(server, 'num_requests_waiting'),
      (count) => count === 1,
    );
    const last = completed(server, 'The cat');
    await eventually(
      () => metric(server, 'num_requests_waiting'),
      (count) => count === 2,
    );
    second.abort();
    expect(await waiting).toBe('AbortError');
    await eventually(
      () => metric(server, 'num_requests_waiting'),
      (count) => count === 1,
    );
    first.abort();
    expect(await last).toBe(await alone('The cat', 1));
    await nothingRuns();
    const left = 'requests_total{endpoint="/v1/completions",status="499"}';
    expect(await metric(server, left)).toBe(2); // this one, and that of the test before
  });

  it('is in nobody’s way if it stays, and does not read', async () => {
    const { port } = new URL(server.url);
    const deaf = connect(Number(port), '127.0.0.1');
    const body = JSON.stringify({ ...LONG, stream: true });
    deaf.pause();
    deaf.write(
      `POST ${COMPLETIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await eventually(
      () => metric(server, 'num_requests_running'),
      (count) => count === 1,
    );
    expect(await completed(server, 'The cat')).toBe(await alone('The cat', 1));
    deaf.destroy();
  });
});

describe('a server that stops', () => {
  it('lets the text that is being written come to its end, and sends the others away', async () => {
    const server = await serving(pair);
    const stream = await post(server, COMPLETIONS, {
      ...FIXED,
      prompt: 'The cat',
      max_tokens: 60,
      stream: true,
    });
    const waiting = post(server, COMPLETIONS, LONG);
    await eventually(
      () => metric(server, 'num_requests_waiting'),
      (count) => count === 1,
    );
    const stopped = server.stop();
    expect((await eventsOf(stream)).at(-1).choices[0].finish_reason).toMatch(/length|stop/);
    const refused = await waiting;
    expect(refused.status).toBe(503);
    expect(((await refused.json()) as Answer).error.code).toBe('server_stopping');
    await stopped;
    await expect(fetch(server.url)).rejects.toThrow();
  });

  it('ends a text that takes too long with an error, behind what was written', async () => {
    const server = await serving(pair);
    const stream = await post(server, COMPLETIONS, { ...LONG, stream: true });
    const whole = post(server, COMPLETIONS, LONG);
    await eventually(
      () => metric(server, 'num_requests_waiting'),
      (count) => count === 1,
    );
    const stopped = server.stop(0);
    const events = await eventsOf(stream);
    expect(events.at(-1)).toMatchObject({ error: { type: 'server_error', code: 'server_stopping' } });
    expect((await whole).status).toBe(503);
    await stopped;
  });

  it('stops at once where nothing is written', async () => {
    const server = await serving(pair);
    await asked(server, COMPLETIONS, { ...FIXED, prompt: 'The cat' }); // its connection stays open
    await server.stop();
  });
});
