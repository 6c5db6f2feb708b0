import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerationResult } from '../../src/generation/events.js';
import { generate } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import type { Server } from '../../src/serve/server.js';
import { chatPair } from '../support/chat-models.js';
import { runInProcess } from '../support/run-in-process.js';
import { eventually, metric, serving } from '../support/served.js';
import { firstOf } from '../support/tries.js';

const RUN = { threads: 1, contextSize: 512 };
const PROMPT = 'Once upon a time';
const KEY = 'open sesame';

let local: Pair;
let server: Server;
let remote: Pair;
beforeAll(async () => {
  local = await loadPair({ gpu: 'off' });
  server = await serving(local, { apiKey: KEY });
  remote = await loadPair({ targetUrl: server.url, targetKey: KEY, draft: EMBEDDED_PAIR.draft, gpu: 'off' });
});
afterAll(async () => {
  await remote?.dispose();
  await server?.stop();
  await local?.dispose();
});

async function written(pair: Pair, settings: SettingsInput, prompt = PROMPT): Promise<GenerationResult> {
  const all = { seed: 1, draftLength: 4, maxTokens: 24, ...settings };
  for await (const event of generate(pair, prompt, all, RUN)) if (event.type === 'end') return event.result;
  throw new Error('no end');
}

describe('a target that runs elsewhere', () => {
  const SETTINGS: readonly SettingsInput[] = [
    { strategy: 'mtad', seed: 2, threshold: 0.1, temperature: 0.7, topK: 40 },
    { strategy: 'mmtad' },
    { strategy: 'autoregressive' },
    { strategy: 'mtad', temperature: 0, frequencyPenalty: 0.5 },
    { strategy: 'mtad' },
    { strategy: 'speculative' },
    { strategy: 'block' },
    { strategy: 'mtad', draftFrom: 'lookup' },
  ];
  it.each(firstOf(4, SETTINGS))('%j: writes the text that it writes here', async (settings) => {
    const [there, here] = [await written(remote, settings), await written(local, settings)];
    expect(there.tokens).toEqual(here.tokens);
    expect(there.counters.accepted).toBe(here.counters.accepted);
  });

  it('takes one round trip for each pass, and none to read the prompt', async () => {
    const before = remote.traffic!();
    const { counters } = await written(remote, {});
    const { roundTrips, bytesSent, bytesReceived } = remote.traffic!();
    expect(roundTrips - before.roundTrips).toBe(counters.targetPasses);
    expect(counters.targetPasses).toBeLessThan(24);
    expect(bytesSent).toBeGreaterThan(before.bytesSent);
    expect(bytesReceived).toBeGreaterThan(before.bytesReceived);
  });

  it('tells the perplexity of its text', async () => {
    const [there, here] = [
      await written(remote, { perplexity: true }),
      await written(local, { perplexity: true }),
    ];
    expect(there.counters.rawLogProbSum).toBeCloseTo(here.counters.rawLogProbSum, 3);
  });

  it('cannot tell all tokens, or obey a grammar', async () => {
    await expect(written(remote, { topK: 0 })).rejects.toThrow(
      /at most 1000 tokens of each place: give `topK`/,
    );
    await expect(written(remote, { grammar: { gbnf: 'root ::= "a"' } })).rejects.toThrow(
      /held to a `grammar`/,
    );
  });

  it('is not taken from a server that is given no key, or a wrong address', async () => {
    const load = (targetUrl: string, targetKey?: string) => loadPair({ targetUrl, targetKey, gpu: 'off' });
    await expect(load(server.url)).rejects.toThrow(/refuses \(401\): "An API key is needed/);
    await expect(load(`${server.url}/v1`, KEY)).rejects.toThrow(
      /refuses \(404\): "There is no \/v1\/generate/,
    );
    await expect(load('http://127.0.0.1:2/?key=secret')).rejects.toThrow(
      /The target at http:\/\/127\.0\.0\.1:2 does not answer: /,
    );
    for (const url of ['box:8077?key=secret', 'ftp://box'])
      await expect(load(url), url).rejects.toThrow(
        /`targetUrl` must be an address such as \S+ not "(box:8077|ftp:\/\/box)"$/,
      );
    for (const url of ['http://user:secret@box', 'user:secret@box'])
      await expect(load(url), url).rejects.toThrow(
        /^`targetUrl` must hold no user and no password: `targetKey` gives a key$/,
      );
    await expect(load(server.url, 'a\nb')).rejects.toThrow(/^`targetKey` holds a line break or [^"]*$/);
    await expect(loadPair({ targetUrl: server.url, model: 'a.gguf' })).rejects.toThrow(
      /Either `model` or `targetUrl`/,
    );
  });

  it('of another vocabulary is refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mtad-remote-'));
    const time = local.target.tokenizer.encode(PROMPT).at(-1)!;
    const { model } = await chatPair(folder, { tokens: { [time]: '▁tzmq' } });
    const other = await loadPair({ model, gpu: 'off' });
    const odd = await serving(other);
    await expect(loadPair({ targetUrl: odd.url, gpu: 'off' })).rejects.toThrow(
      /do not make a pair: they read a text/,
    );
    await odd.stop();
    await other.dispose();
    await rm(folder, { recursive: true });
  });
});

/** A server of another kind, while something is done. */
async function withServer(answer: RequestListener, run: (url: string) => Promise<void>): Promise<void> {
  const odd = createServer(answer);
  await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(odd.address() as AddressInfo).port}`);
  } finally {
    odd.closeAllConnections();
    odd.close();
  }
}

describe('a server that', () => {
  const load = (targetUrl: string) => loadPair({ targetUrl, targetKey: KEY, gpu: 'off' });

  it('answers otherwise is told from one that judges', async () => {
    for (const [body, message] of [
      ['<html>', /does not answer in JSON: "<html>"/],
      ['{"text": "Hello"}', /does not answer as SGLang's \/generate does/],
      ['[]', /does not answer as SGLang's/],
    ] as const)
      await withServer(
        (_, answer) => void answer.end(body),
        (url) => expect(load(url)).rejects.toThrow(message),
      );
  });

  it('leads elsewhere is not followed: the key is for it alone', async () => {
    let isAsked = false;
    await withServer(
      (_, answer) => {
        isAsked = true;
        answer.end();
      },
      (other) =>
        withServer(
          (_, answer) => void answer.writeHead(307, { Location: `${other}/generate` }).end(),
          (url) => expect(load(url)).rejects.toThrow(/does not answer: .*redirect/),
        ),
    );
    expect(isAsked).toBe(false);
  });

  it('is busy for a moment is asked again', async () => {
    let asked = 0;
    await withServer(
      async (request, answer) => {
        const body = await text(request);
        if (++asked === 1) return void answer.writeHead(503).end('{"error":{"message":"busy"}}');
        const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${KEY}` };
        const response = await fetch(`${server.url}/generate`, { method: 'POST', headers, body });
        answer.end(await response.text());
      },
      async (url) => (await load(url)).dispose(),
    );
    expect(asked).toBe(2);
  });
});

describe('mtad --target-url', () => {
  const args = [PROMPT, '--seed', '1', '-n', '24', '--threads', '1'];

  it('writes the same text, and tells what went over the network', async () => {
    const env = { MTAD_TARGET_KEY: KEY };
    const here = await runInProcess(args);
    const there = await runInProcess([...args, '--target-url', server.url, '--stats'], { env });
    expect(there.stdout).toBe(here.stdout);
    expect(there.stderr).toMatch(
      /^target at http:\/\/127\.0\.0\.1:\d+: \d+ round trips, \d+ kB sent, \d+ kB received$/m,
    );
    const { stdout } = await runInProcess([...args, '--target-url', server.url, '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({
      model: server.url,
      remote: { url: server.url, round_trips: expect.any(Number), bytes_sent: expect.any(Number) },
    });
  });

  it('keeps the text so far where the target goes away in the middle', async () => {
    const passing = await serving(local);
    const leaving = runInProcess([
      PROMPT,
      '--seed',
      '1',
      '-n',
      '400',
      '--ignore-eos',
      '--threads',
      '1',
      '--target-url',
      passing.url,
    ]);
    const judgements = () => metric(passing, 'requests_total{endpoint="/generate",status="200"}');
    await eventually(judgements, (count) => count > 4);
    await passing.stop(0);
    const { exitCode, stdout, stderr } = await leaving;
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/\w/);
    expect(stderr).toMatch(/^mtad: The target at \S+ does not answer: .*\n$/);
  });

  it('excludes --model and --pair', async () => {
    const { exitCode, stderr } = await runInProcess([
      ...args,
      '--target-url',
      server.url,
      '--model',
      'a.gguf',
    ]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/--target-url.*cannot be used with/),
    });
  });
});
