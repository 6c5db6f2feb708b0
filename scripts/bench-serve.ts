/**
 * What the server costs and saves, with the embedded pair or another one, on one thread.
 *   npm run bench:serve [-- --requests 1000] [--clients 8] [--model target.gguf --draft draft.gguf]
 * First, prompts that begin alike against as long prompts that do not: tokens evaluated, and time to the first token. Then
 * the time of a request beside that of the same text by the library. Then many requests of several clients, half of them
 * cancelled at random: each answer is held against that of the same request alone, and memory is watched.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Series } from '../src/generation/generate.js';
import { loadPair } from '../src/models/pair.js';
import { type Server, startServer } from '../src/serve/server.js';
import { positive } from './arguments.js';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000' },
    clients: { type: 'string', default: '8' },
    model: { type: 'string' },
    draft: { type: 'string' },
  },
});
const requests = positive('requests', values.requests);
const clients = positive('clients', values.clients);
const run = { threads: 1, contextSize: 1024 };
const STORY = 'The little girl went to the park with her dog and saw a big tree. ';
const pair = await loadPair({ model: values.model, draft: values.draft, gpu: 'off' });
const server = await startServer(pair, { port: 0, run, settings: { draftLength: 4 } });

interface Completion {
  readonly choices: readonly { readonly text: string }[];
  readonly usage: { readonly prompt_tokens: number };
  readonly timings: { readonly prompt_n: number; readonly first_token_ms: number };
}

async function completion({ url }: Server, body: object, signal?: AbortSignal): Promise<Completion> {
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ seed: 1, max_tokens: 16, ignore_eos: true, ...body }),
    ...(signal && { signal }),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Completion;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

const say = (line: string) => process.stdout.write(`${line}\n`);

/** Prompts of about 480 tokens with 20 endings. */
async function prefixes(): Promise<void> {
  const common = STORY.repeat(30);
  for (const [name, beginning] of [
    ['begin alike', () => ''],
    ['begin with another word each', (i: number) => `${i} `],
  ] as const) {
    const answers: Completion[] = [];
    for (let i = 0; i < 20; i++)
      answers.push(await completion(server, { prompt: `${beginning(i)}${common}Then, on day ${i},` }));
    const later = answers.slice(2); // the first two fill the caches
    const sum = (of: (answer: Completion) => number) => later.reduce((all, one) => all + of(one), 0);
    say(
      `18 prompts that ${name}: ${sum((one) => one.usage.prompt_tokens)} tokens, ` +
        `${sum((one) => one.timings.prompt_n)} evaluated; first token after ` +
        `${median(later.map((one) => one.timings.first_token_ms)).toFixed(1)} ms (median)`,
    );
  }
}

async function overhead(): Promise<void> {
  const series = new Series(pair, run);
  const settings = { seed: 1, maxTokens: 16, ignoreEos: true, draftLength: 4 };
  const times: { library: number[]; server: number[] } = { library: [], server: [] };
  for (let i = 0; i < 60; i++) {
    const started = performance.now();
    for await (const _ of series.write('Once upon a time', settings));
    times.library.push(performance.now() - started);
    const asked = performance.now();
    await completion(server, { prompt: 'Once upon a time' });
    times.server.push(performance.now() - asked);
  }
  await series.dispose();
  const [library, served] = [median(times.library), median(times.server)];
  say(
    `a text of 16 tokens: ${library.toFixed(2)} ms by the library, ${served.toFixed(2)} ms by the server: ${(served - library).toFixed(2)} ms more`,
  );
}

async function crowd(): Promise<void> {
  const bodies = Array.from({ length: 24 }, (_, i) => ({
    prompt: `${STORY.repeat(i % 4)}On day ${i},`,
    seed: i,
  }));
  const alone: string[] = [];
  for (const body of bodies) alone.push((await completion(server, body)).choices[0]!.text);
  const memory = () => Math.round(process.memoryUsage().rss / 2 ** 20);
  const before = memory();
  const counts = { answered: 0, cancelled: 0, wrong: 0, failed: 0 };
  let next = 0;
  const client = async () => {
    for (let i = next++; i < requests; i = next++) {
      const which = Math.floor(Math.random() * bodies.length);
      const controller = new AbortController();
      if (Math.random() < 0.5) void sleep(Math.random() * 100).then(() => controller.abort());
      try {
        const { choices } = await completion(server, bodies[which]!, controller.signal);
        counts.answered++;
        if (choices[0]!.text !== alone[which]) counts.wrong++;
      } catch {
        if (controller.signal.aborted) counts.cancelled++;
        else counts.failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  say(
    `${requests} requests of ${clients} clients: ${counts.answered} answered, ${counts.cancelled} cancelled, ` +
      `${counts.failed} lost, ${counts.wrong} unlike the same request alone; ${before} MiB before, ${memory()} MiB after`,
  );
}

await prefixes();
await overhead();
await crowd();
await server.stop();
await pair.dispose();
