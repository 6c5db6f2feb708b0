import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerationResult } from '../../src/generation/events.js';
import { generate } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import type { Server } from '../../src/serve/server.js';
import { type Answer, post, serving } from '../support/served.js';

const RUN = { threads: 1, contextSize: 512 };
const PROMPT = 'Once upon a time';

let local: Pair;
let server: Server;
let llama: HttpServer;
let url: string;
let remote: Pair;
/** Whether the target finds a part of a character the likeliest next token everywhere. */
let isAmidCharacters = false;
/** What the server was asked by its path. */
const bodies: Answer[] = [];
beforeAll(async () => {
  local = await loadPair({ gpu: 'off' });
  server = await serving(local);
  llama = llamaServer();
  await new Promise<void>((resolve) => llama.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(llama.address() as AddressInfo).port}`;
  remote = await loadPair({ targetUrl: url, gpu: 'off' });
});
afterAll(async () => {
  await remote?.dispose();
  llama?.closeAllConnections();
  llama?.close();
  await server?.stop();
  await local?.dispose();
});

/**
 * Speaks llama-server's format, as llama.cpp v0.4.0 writes it, with our own target behind it. `npm run bench:remote` asks the
 * real one.
 */
function llamaServer(): HttpServer {
  return createServer(async (request, answer) => {
    const say = (status: number, body: object) => answer.writeHead(status).end(JSON.stringify(body));
    const body: Answer = request.method === 'POST' ? await json(request) : {};
    if (request.url === '/tokenize')
      return void say(200, {
        tokens: local.target.tokenizer.encode(body.content).slice(body.add_special ? 0 : 1),
      });
    if (request.url !== '/completion')
      return void say(404, { error: { message: 'File Not Found', type: 'not_found_error', code: 404 } });
    bodies.push(body);
    const judged: Answer = await (
      await post(server, '/generate', {
        input_ids: body.prompt,
        logprob_start_len: -1,
        top_logprobs_num: body.n_probs,
        return_logprob: true,
        sampling_params: { max_new_tokens: body.n_predict, temperature: 0 },
      })
    ).json();
    const answers = judged.map(({ meta_info, text, output_ids }: Answer, index: number) => ({
      index,
      completion_probabilities: [
        {
          id: output_ids[0],
          token: text,
          bytes: [...Buffer.from(text)],
          logprob: meta_info.output_top_logprobs[0][0][0],
          top_logprobs: meta_info.output_top_logprobs[0].map(([logprob, id]: Answer) => ({
            id,
            token: '',
            bytes: [],
            logprob,
          })),
        },
      ],
    }));
    if (isAmidCharacters && !body.logit_bias)
      for (const answer of answers) delete answer.completion_probabilities; // which it does for characters only
    say(200, answers.length === 1 ? answers[0] : answers.reverse());
  });
}

async function written(pair: Pair, settings: SettingsInput): Promise<GenerationResult> {
  const all = { seed: 1, draftLength: 4, maxTokens: 24, ...settings };
  for await (const event of generate(pair, PROMPT, all, RUN)) if (event.type === 'end') return event.result;
  throw new Error('no end');
}

describe('a target on a server that tells only what follows a text', () => {
  it.each([
    { strategy: 'mtad' },
    { strategy: 'mtad', seed: 2, threshold: 0.1, temperature: 0.7, topK: 40 },
    { strategy: 'mmtad' },
    { strategy: 'speculative' },
    { strategy: 'autoregressive' },
  ] as const)('%j: writes the text that it writes here', async (settings) => {
    const [there, here] = [await written(remote, settings), await written(local, settings)];
    expect(there.tokens).toEqual(here.tokens);
    expect(there.counters.accepted).toBe(here.counters.accepted);
  });

  it('writes it where the likeliest token is a part of a character', async () => {
    isAmidCharacters = true;
    try {
      expect((await written(remote, {})).tokens).toEqual((await written(local, {})).tokens);
      const [[token, bias]] = bodies.at(-1)!.logit_bias;
      expect(local.target.tokenizer.encode('a')).toContain(token);
      expect(bias).toBeGreaterThan(1e4); // more than logits differ by
    } finally {
      isAmidCharacters = false;
    }
  });

  it('asks for all places of a draft in one request, each text longer by a token', async () => {
    bodies.length = 0;
    const before = remote.traffic!().roundTrips;
    const { counters } = await written(remote, {});
    expect(remote.traffic!().roundTrips - before).toBe(counters.targetPasses);
    expect(bodies).toHaveLength(counters.targetPasses);
    for (const { prompt } of bodies) {
      const [first, ...longer] = prompt as number[][];
      expect(longer.length).toBeLessThanOrEqual(4);
      for (const [i, text] of longer.entries()) {
        expect(text).toHaveLength(first!.length + 1 + i);
        expect(text.slice(0, first!.length)).toEqual(first);
      }
    }
  });
});

describe('a server without either format', () => {
  it('is refused with what would be one', async () => {
    const odd = createServer((_, answer) => void answer.writeHead(404).end('404 page not found'));
    await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
    const { port } = odd.address() as AddressInfo;
    await expect(loadPair({ targetUrl: `http://127.0.0.1:${port}`, gpu: 'off' })).rejects.toThrow(
      /refuses \(404\): "404 page not found"; targets are mtad serve, SGLang and llama-server/,
    );
    odd.closeAllConnections();
    odd.close();
  });

  it('that answers otherwise is told from llama-server', async () => {
    for (const [path, body] of [
      ['/tokenize', '{"tokens": "none"}'],
      ['/completion', '{"content": "Hello"}'],
    ] as const) {
      const odd = createServer(async (request, answer) => {
        if (request.url === path) return void answer.end(body);
        if (request.url === '/generate') return void answer.writeHead(404).end('{}');
        const { content } = (await json(request)) as Answer;
        answer.end(JSON.stringify({ tokens: local.target.tokenizer.encode(content) }));
      });
      await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
      const { port } = odd.address() as AddressInfo;
      const asked = async () => {
        const pair = await loadPair({ targetUrl: `http://127.0.0.1:${port}`, gpu: 'off' });
        try {
          await written(pair, {});
        } finally {
          await pair.dispose();
        }
      };
      await expect(asked()).rejects.toThrow(/does not answer as llama-server's \/completion does/);
      odd.closeAllConnections();
      odd.close();
    }
  });
});
