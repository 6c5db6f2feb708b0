import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { checkServerOptions } from '../../src/serve/options.js';
import type { Server } from '../../src/serve/server.js';
import { chatPair } from '../support/chat-models.js';
import { type Answer, CHAT, COMPLETIONS, completed, FIXED, post, serving } from '../support/served.js';

let folder: string;
let pair: Pair;
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-serve-'));
  pair = await loadPair({ ...(await chatPair(folder)), gpu: 'off' });
  server = await serving(pair);
});
afterAll(async () => {
  await server?.stop();
  await pair?.dispose();
  await rm(folder, { recursive: true });
});

/** An error as OpenAI has it, with its status. */
async function refusal(response: Response): Promise<Answer> {
  const body = (await response.json()) as Answer;
  expect(Object.keys(body)).toEqual(['error']);
  expect(Object.keys(body.error).sort()).toEqual(['code', 'message', 'param', 'type']);
  return { status: response.status, ...body.error };
}

const USER = [{ role: 'user', content: 'Hello' }];

describe('a request that is wrong', () => {
  it.each([
    ['no JSON', COMPLETIONS, '{"prompt": ', null, /^The body is not JSON: /],
    ['nothing', COMPLETIONS, '', null, /^The body is not JSON: /],
    ['a list', COMPLETIONS, [], null, /^The body: /],
    ['null', CHAT, 'null', null, /^The body: /],
    ['no prompt', COMPLETIONS, {}, 'prompt', /^prompt: a text, a list of tokens, or a list of either$/],
    ['an empty prompt', COMPLETIONS, { prompt: '' }, null, /^The prompt is empty$/],
    ['a token that is none', COMPLETIONS, { prompt: [1, 99_999] }, null, /token 99999, and .* end at \d+$/],
    ['a token below 0', COMPLETIONS, { prompt: [-1] }, 'prompt[0]', /^prompt\[0\]: /],
    ['no messages', CHAT, {}, 'messages', /^messages: a list of messages$/],
    ['an empty list of messages', CHAT, { messages: [] }, 'messages', /^messages: at least one message$/],
    [
      'a role that is none',
      CHAT,
      { messages: [{ role: 'tool', content: '' }] },
      'messages[0].role',
      /user or assistant$/,
    ],
    [
      'a picture',
      CHAT,
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages[0].content',
      /must be a text/,
    ],
    ['a number as a switch', CHAT, { messages: USER, stream: 1 }, 'stream', /^stream: /],
    [
      'a temperature below 0',
      CHAT,
      { messages: USER, temperature: -1 },
      'temperature',
      /^`temperature` must be .*, not -1$/,
    ],
    ['a text as temperature', CHAT, { messages: USER, temperature: '1' }, 'temperature', /not "1"$/],
    [
      'a draft length of 0',
      CHAT,
      { messages: USER, draft_length: 0 },
      'draft_length',
      /^`draft_length` must be/,
    ],
    ['no tokens', CHAT, { messages: USER, max_tokens: 0 }, 'max_tokens', /must be a whole number/],
    [
      'a strategy that is none',
      CHAT,
      { messages: USER, strategy: 'eagle' },
      'strategy',
      /^`strategy` must be one of/,
    ],
    [
      'an object as strategy',
      CHAT,
      { messages: USER, strategy: { name: 'a' } },
      'strategy',
      /^`strategy` must be/,
    ],
    [
      'a setting the strategy lacks',
      CHAT,
      { messages: USER, strategy: 'speculative', clip: true },
      'clip',
      /^`clip` changes/,
    ],
    [
      'tools',
      CHAT,
      { messages: USER, tools: [{ type: 'function' }] },
      'tools',
      /^tools is not supported here/,
    ],
    ['biases', CHAT, { messages: USER, logit_bias: { 1: 5 } }, 'logit_bias', /not supported/],
    [
      'the likeliest tokens',
      CHAT,
      { messages: USER, logprobs: true, top_logprobs: 5 },
      'top_logprobs',
      /not supported/,
    ],
    ['an echo', COMPLETIONS, { prompt: 'a', echo: true }, 'echo', /not supported/],
    ['too many answers', COMPLETIONS, { prompt: Array(65).fill('a'), n: 2 }, 'n', /130 answers; at most 128/],
    [
      'a format that is none',
      CHAT,
      { messages: USER, response_format: { type: 'xml' } },
      'response_format.type',
      /^response_format/,
    ],
    [
      'a schema that cannot be held',
      CHAT,
      {
        messages: USER,
        response_format: {
          type: 'json_schema',
          json_schema: { schema: { type: 'string', contentEncoding: 'x' } },
        },
      },
      null,
      /contentEncoding/,
    ],
    ['a grammar that is none', COMPLETIONS, { prompt: 'a', grammar: 'root = "a"' }, null, /grammar/],
    [
      'a grammar and a format',
      COMPLETIONS,
      { prompt: 'a', grammar: 'root ::= "a"', response_format: { type: 'json_object' } },
      'grammar',
      /exclude each other/,
    ],
  ] as const)('is told so: %s', async (_, path, body, param, message) => {
    for (const stream of [false, true]) {
      const isObject = typeof body === 'object' && !Array.isArray(body) && !('stream' in body);
      const response = await post(server, path, isObject ? { ...body, stream } : body);
      expect(await refusal(response)).toEqual({
        status: 400,
        type: 'invalid_request_error',
        param,
        code: null,
        message: expect.stringMatching(message),
      });
    }
  });

  it('because the prompt is too long has the code that clients look for', async () => {
    for (const body of [{ prompt: 'word '.repeat(2000) }, { prompt: Array(600).fill(5) }])
      expect(await refusal(await post(server, COMPLETIONS, body))).toMatchObject({
        status: 400,
        code: 'context_length_exceeded',
        message: expect.stringContaining('the context holds 512'),
      });
  });

  it('for a model that is none is told those that there are', async () => {
    for (const model of [
      'gpt-4o',
      'mtad:',
      'mtad:x',
      'mtad:0.3:4',
      'speculative:0.3',
      '__proto__',
      'toString',
    ])
      expect(await refusal(await post(server, CHAT, { messages: USER, model })), model).toMatchObject({
        status: 404,
        param: 'model',
        code: 'model_not_found',
        message: expect.stringContaining('chat-target, mtad, '),
      });
    expect(await refusal(await fetch(`${server.url}/v1/models/gpt-4o`))).toMatchObject({ status: 404 });
    expect(await refusal(await post(server, CHAT, { messages: USER, model: 'mtad:7' }))).toMatchObject({
      status: 400,
      param: 'threshold',
    });
  });

  it('goes to no such place, or by another method', async () => {
    expect(await refusal(await post(server, '/v1/embeddings', {}))).toMatchObject({
      status: 404,
      code: 'unknown_url',
    });
    const wrong = await fetch(server.url + CHAT);
    expect(wrong.headers.get('allow')).toBe('POST');
    expect(await refusal(wrong)).toMatchObject({ status: 405, message: `${CHAT} takes POST, not GET` });
    expect(await refusal(await fetch(`${server.url}/v1/models`, { method: 'DELETE' }))).toMatchObject({
      status: 405,
    });
  });

  it('is no JSON by its name, as a page of any origin may send it', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']) {
      const response = await post(server, CHAT, { messages: USER }, { headers: { 'Content-Type': type } });
      expect(await refusal(response), type).toMatchObject({ status: 415, code: 'unsupported_media_type' });
    }
  });

  it('has 10 MB, whether it says so beforehand or not', async () => {
    const body = JSON.stringify({ prompt: 'a'.repeat(10_000_000) });
    expect(await refusal(await post(server, COMPLETIONS, body))).toMatchObject({
      status: 413,
      code: 'request_too_large',
    });
    const stream = new Blob([body]).stream();
    const response = await fetch(server.url + COMPLETIONS, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expect(await refusal(response)).toMatchObject({ status: 413 });
  });

  it('is refused for no other reason: one in chunks is answered', async () => {
    const response = await fetch(server.url + COMPLETIONS, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: new Blob([JSON.stringify({ ...FIXED, prompt: 'Once upon a time' })]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(200);
  });

  it('is deeper than anybody means', async () => {
    const deep = `{"prompt":"a","response_format":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_001)}`;
    expect((await refusal(await post(server, COMPLETIONS, deep))).status).toBe(400);
    const list = `{"prompt":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect((await refusal(await post(server, COMPLETIONS, list))).status).toBe(400);
  });

  it('leaves the server as it was: the next one is answered', async () => {
    expect(await completed(server, 'Once upon a time')).toMatch(/\w/);
  });
});

it('a client that sends its request slowly is in nobody else’s way', async () => {
  const { port, hostname } = new URL(server.url);
  const slow = connect(Number(port), hostname);
  slow.write(
    `POST ${COMPLETIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"pro`,
  );
  expect(await completed(server, 'Once upon a time')).toMatch(/\w/);
  slow.destroy();
});

describe('a page that was led here by another name (DNS rebinding)', () => {
  const asHost = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const { port } = new URL(server.url);
      request(
        { host: '127.0.0.1', port, path: '/v1/models', headers: { Host: host } },
        (answer: IncomingMessage) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      )
        .on('error', reject)
        .end();
    });

  it.each([
    'evil.example',
    'evil.example:8077',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
  ])('is refused as %s', async (host) => {
    expect(await asHost(host)).toBe(403);
  });

  it.each(['localhost', 'LOCALHOST:1', 'mtad.localhost', '127.0.0.1:8077', '[::1]:8077'])(
    'is served as %s',
    async (host) => {
      expect(await asHost(host)).toBe(200);
    },
  );
});

describe('with a key', () => {
  let locked: Server;
  beforeAll(async () => {
    locked = await serving(pair, { apiKey: 'open sesame', cors: ['https://chat.example'] });
  });
  afterAll(() => locked.stop());

  it('only those who send it are answered', async () => {
    for (const headers of [
      {},
      { Authorization: 'Bearer open' },
      { Authorization: 'open sesame' },
      { Authorization: 'Basic b3Blbg==' },
    ]) {
      const response = await post(locked, COMPLETIONS, { prompt: 'a' }, { headers });
      expect(await refusal(response)).toMatchObject({ status: 401, code: 'invalid_api_key' });
    }
    const headers = { Authorization: 'Bearer open sesame' };
    expect((await post(locked, COMPLETIONS, { ...FIXED, prompt: 'a' }, { headers })).status).toBe(200);
    for (const path of ['/v1/models', '/metrics']) {
      expect((await fetch(locked.url + path)).status).toBe(401);
      expect((await fetch(locked.url + path, { headers })).status).toBe(200);
    }
  });

  it('health needs none, and tells nothing', async () => {
    expect((await fetch(`${locked.url}/health`)).status).toBe(200);
  });

  it('a page may ask without it what it may send', async () => {
    const headers = {
      Origin: 'https://chat.example',
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization,content-type',
    };
    const response = await fetch(locked.url + CHAT, { method: 'OPTIONS', headers });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://chat.example');
    expect(response.headers.get('access-control-allow-headers')).toMatch(/authorization/i);
  });

  it('no other page is told that it may', async () => {
    const headers = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' };
    const response = await fetch(locked.url + CHAT, { method: 'OPTIONS', headers });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });
});

it('no page at all may, unless it is asked for', async () => {
  const headers = { Origin: 'https://chat.example', 'Access-Control-Request-Method': 'POST' };
  for (const method of ['OPTIONS', 'POST']) {
    const response = await fetch(server.url + CHAT, { method, headers });
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

describe('options of a server', () => {
  it.each([
    [{ host: '0.0.0.0' }, /^`host` 0\.0\.0\.0 may be reached from other machines: give an `apiKey` too$/],
    [{ host: 'example.com' }, /^`host` example\.com may be reached/],
    [{ port: 70_000 }, /^`port` must be a whole number from 0 to 65535, not 70000$/],
    [{ apiKey: '' }, /^`apiKey` is empty$/],
    [{ parallel: 0 }, /^`parallel` must be a whole number, 1 or more, not 0$/],
    [{ parallel: 4, caches: 2 }, /^`caches` must be at least `parallel`, which is 4, not 2$/],
  ])('%j are refused', (options, message) => {
    expect(() => checkServerOptions(options)).toThrow(message);
  });

  it.each([{}, { host: '::1' }, { host: 'localhost' }, { host: '0.0.0.0', apiKey: 'key' }, { parallel: 4 }])(
    '%j are right',
    (options) => {
      checkServerOptions(options);
    },
  );

  it('a port that is taken is told', async () => {
    const port = Number(new URL(server.url).port);
    await expect(serving(pair, { port })).rejects.toThrow(
      `Cannot listen on 127.0.0.1, port ${port}: another program listens there; give another \`port\``,
    );
  });
});

it('a request is not refused for what the server’s own options say against it', async () => {
  const strict = await serving(pair, { settings: { clip: true, ignoreEos: true } });
  const asking = { prompt: 'Once upon a time', max_tokens: 4 };
  for (const more of [{ model: 'speculative' }, { response_format: { type: 'json_object' } }])
    expect((await post(strict, COMPLETIONS, { ...asking, ...more })).status).toBe(200);
  await strict.stop();
});

it('a strategy that has nothing to draft with is refused where a request asks for it', async () => {
  const alone = await loadPair({ ...(await chatPair(folder)), needsDraft: false, gpu: 'off' });
  const lookup = await serving(alone, { settings: { draftFrom: 'lookup' } });
  const asking = { prompt: 'Once upon a time', max_tokens: 4 };
  for (const more of [{ model: 'mmtad' }, { strategy: 'mmtad' }]) {
    const { status, param, message } = await refusal(await post(lookup, COMPLETIONS, { ...asking, ...more }));
    expect({ status, param }).toEqual({ status: 400, param: 'strategy' });
    expect(message).toMatch(/^`strategy` mmtad drafts with a draft model, and this server has none/);
  }
  expect((await post(lookup, COMPLETIONS, { ...asking, model: 'mtad' })).status).toBe(200);
  await lookup.stop();
  await alone.dispose();
});
