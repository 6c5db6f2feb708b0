import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, Output, streamText } from 'ai';
import { execa } from 'execa';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadPair, type Pair } from '../../src/models/pair.js';
import type { Server } from '../../src/serve/server.js';
import { chatPair } from '../support/chat-models.js';
import { CHROMIUM, launchChromium } from '../support/chromium.js';
import { asked, CHAT, COMPLETIONS, FIXED, serving } from '../support/served.js';

const KEY = 'open sesame';
const MESSAGES = [{ role: 'user' as const, content: 'Tell me a story.' }];

let folder: string;
let pair: Pair;
let server: Server;
let locked: Server;
let text: string; // of the answer to MESSAGES
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-serve-'));
  pair = await loadPair({ ...(await chatPair(folder)), gpu: 'off' });
  server = await serving(pair);
  locked = await serving(pair, { apiKey: KEY });
  text = (await asked(server, CHAT, { ...FIXED, messages: MESSAGES })).choices[0].message.content;
});
afterAll(async () => {
  await Promise.all([server?.stop(), locked?.stop()]);
  await pair?.dispose();
  await rm(folder, { recursive: true });
});

describe("OpenAI's own client", () => {
  const client = (apiKey = KEY) => new OpenAI({ baseURL: `${locked.url}/v1`, apiKey, maxRetries: 0 });
  const request = { ...FIXED, model: 'mtad', messages: MESSAGES };

  it('lists models, and has answers', async () => {
    const { data } = await client().models.list();
    expect(data[0]!.id).toBe('chat-target');
    const { choices, usage } = await client().chat.completions.create(request);
    expect(choices[0]!.message.content).toBe(text);
    expect(usage!.completion_tokens).toBe(16);
    const completion = await client().completions.create({ ...FIXED, model: 'mtad', prompt: 'Once' });
    expect(completion.choices[0]!.text).toMatch(/\w/);
  });

  it('has them piece by piece, by its helper too, which puts them together', async () => {
    let streamed = '';
    for await (const { choices } of await client().chat.completions.create({ ...request, stream: true }))
      streamed += choices[0]?.delta.content ?? '';
    expect(streamed).toBe(text);
    const stream = client().chat.completions.stream({ ...request, stream_options: { include_usage: true } });
    const { choices, usage } = await stream.finalChatCompletion();
    expect(choices[0]!.message.content).toBe(text);
    expect(usage!.completion_tokens).toBe(16);
  });

  it('tells its errors apart', async () => {
    const chat = (more: object, apiKey?: string) =>
      client(apiKey).chat.completions.create({ ...request, ...more });
    await expect(chat({}, 'wrong')).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(chat({ model: 'gpt-4o' })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(chat({ temperature: -1 })).rejects.toMatchObject({ status: 400, param: 'temperature' });
  });

  it('leaves in the middle of a text', async () => {
    const stream = await client().chat.completions.create({ ...request, max_tokens: 300, stream: true });
    for await (const _ of stream) break;
    expect((await client().chat.completions.create(request)).choices[0]!.message.content).toBe(text);
  });
});

describe('the AI SDK', () => {
  const provider = () =>
    createOpenAICompatible({
      name: 'mtad',
      baseURL: `${locked.url}/v1`,
      apiKey: KEY,
      includeUsage: true,
      supportsStructuredOutputs: true,
      transformRequestBody: (body) => ({ ...body, draft_length: FIXED.draft_length }),
    });
  const call = () => ({
    model: provider()('mtad'),
    messages: MESSAGES,
    seed: 1,
    maxOutputTokens: 16,
    maxRetries: 0,
  });

  it('generates a text', async () => {
    const { text: generated, usage, finishReason } = await generateText(call());
    expect(generated).toBe(text);
    expect(usage.outputTokens).toBe(16);
    expect(finishReason).toBe('length');
  });

  it('streams one', async () => {
    const { textStream, usage } = streamText(call());
    let streamed = '';
    for await (const piece of textStream) streamed += piece;
    expect(streamed).toBe(text);
    expect((await usage).outputTokens).toBe(16);
  });

  it('has an object that obeys a schema', async () => {
    const schema = z.object({ kind: z.enum(['cat', 'dog']), name: z.enum(['Tom', 'Tim']) });
    const { output } = await generateText({
      ...call(),
      maxOutputTokens: 64,
      output: Output.object({ schema }),
    });
    expect(schema.parse(output)).toEqual(output);
  });
});

it('curl -N shows a text as it comes', async () => {
  const body = JSON.stringify({ ...FIXED, prompt: 'Once upon a time', stream: true });
  const url = server.url + COMPLETIONS;
  const { stdout } = await execa('curl', ['-sN', url, '-H', 'Content-Type: application/json', '-d', body]);
  const events = stdout.trimEnd().split('\n\n');
  expect(events.at(-1)).toBe('data: [DONE]');
  expect(events.length).toBeGreaterThan(4);
  for (const event of events) expect(event).toMatch(/^data: /);
});

describe.skipIf(!CHROMIUM)('a page in a browser', () => {
  /** Reads a stream as pages do, and returns its text and how often something came. */
  const READ = `async (url, body) => {
    const response = await fetch(url, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let raw = '';
    let reads = 0;
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      raw += read.value;
      reads++;
    }
    const events = raw.split('\\n\\n').filter((event) => event.startsWith('data: {'));
    const text = events.map((event) => JSON.parse(event.slice(6)).choices[0].delta.content ?? '').join('');
    return { text, reads };
  }`;

  it('shows a text as it comes, from an origin that is allowed, and from no other', async () => {
    const site = createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end('<p>A page'));
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const { port } = site.address() as AddressInfo;
    const origin = `http://127.0.0.1:${port}`;
    const open = await serving(pair, { cors: [origin] });
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(origin);
      const body = { ...FIXED, messages: MESSAGES, stream: true };
      const ask = (one: Server) =>
        page.evaluate(`(${READ})(${JSON.stringify(one.url + CHAT)}, ${JSON.stringify(body)})`);
      const seen = (await ask(open)) as { text: string; reads: number };
      expect(seen.text).toBe(text);
      expect(seen.reads).toBeGreaterThan(1);
      await expect(ask(server)).rejects.toThrow(/Failed to fetch/);
    } finally {
      await browser.close();
      site.close();
      await open.stop();
    }
  });
});
