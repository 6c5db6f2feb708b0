/**
 * What a target on another machine costs and saves, with the embedded pair or another one: the target in a second process, behind
 * a network that is longer by some milliseconds.
 *   npm run bench:remote [-- --delays 0,5,20,50] [--limit 4] [--max-tokens 64] [--model target.gguf --draft draft.gguf]
 *     [--llama-server /path/to/llama-server]
 * The server is `mtad serve`, and llama-server too where the path of one, of the same release of llama.cpp, is given. Each row is
 * held against the same number of tokens that the server writes by itself, in one request, and its texts against those with the
 * target loaded here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { readPrompts } from '../src/benchmark/prompts.js';
import type { GenerationResult } from '../src/generation/events.js';
import { Series } from '../src/generation/generate.js';
import type { SettingsInput } from '../src/generation/settings.js';
import { loadPair, type Pair } from '../src/models/pair.js';
import { EMBEDDED_PAIR } from '../src/models/resolve.js';
import { positive, runScript } from './arguments.js';
import { delayingProxy } from './delaying-proxy.js';

const { values } = parseArgs({
  options: {
    delays: { type: 'string', default: '0,5,20,50' },
    limit: { type: 'string', default: '4' },
    'max-tokens': { type: 'string', default: '64' },
    model: { type: 'string', default: EMBEDDED_PAIR.model },
    draft: { type: 'string', default: EMBEDDED_PAIR.draft },
    'llama-server': { type: 'string' },
  },
});
const { model, draft } = values;
const run = { threads: 1, contextSize: 512 };
const SEED = 1;

/** Drafts of this length are judged in one request, as llama-server's slots are so many and one more. */
const LENGTH = 4;

/** The settings of a row. An open draft length follows what passes cost, so its text is another one each time. */
const SETTINGS: ReadonlyMap<string, SettingsInput> = new Map([
  ['autoregressive', { strategy: 'autoregressive' }],
  ['mtad, 4 tokens', { strategy: 'mtad', draftLength: LENGTH }],
  ['mtad, auto', { strategy: 'mtad', draftLength: 'auto' }],
]);

/** A server may take so long to load its model, in milliseconds. */
const PATIENCE_MS = 120_000;

interface Kind {
  readonly name: string;
  readonly command: string;
  readonly args: (port: number) => readonly string[];
  /** Asks for a text that the server writes by itself. */
  readonly request: (prompt: string, maxTokens: number) => { readonly path: string; readonly body: object };
}

const KINDS: readonly Kind[] = [
  {
    name: 'mtad serve',
    command: process.execPath,
    args: (port) => [
      fileURLToPath(new URL('../bin/mtad.js', import.meta.url)),
      ...['serve', '-m', model, '-d', draft, '--port', `${port}`, '--threads', '1', '--ctx-size', '512'],
    ],
    request: (prompt, max_tokens) => ({
      path: '/v1/completions',
      body: { prompt, max_tokens, seed: SEED, ignore_eos: true, strategy: 'autoregressive' },
    }),
  },
  ...(values['llama-server'] === undefined
    ? []
    : [
        {
          name: 'llama-server',
          command: values['llama-server'],
          args: (port: number) => [
            ...[
              '-m',
              model,
              '--port',
              `${port}`,
              '--parallel',
              `${LENGTH + 1}`,
              '-c',
              `${512 * (LENGTH + 1)}`,
            ],
            ...['-t', '1', '-tb', '1'],
          ],
          request: (prompt: string, n_predict: number) => ({
            path: '/completion',
            body: { prompt, n_predict, seed: SEED, ignore_eos: true },
          }),
        },
      ]),
];

await runScript(async () => {
  const delays = values.delays.split(',').map((text) => (text === '0' ? 0 : positive('delays', text)));
  const maxTokens = positive('max-tokens', values['max-tokens']);
  const texts = (await readPrompts(undefined, positive('limit', values.limit))).map(({ text }) => text);
  const local = await loadPair({ model, draft, gpu: 'off' });
  const here = new Map<string, readonly GenerationResult[]>();
  try {
    for (const [name, settings] of SETTINGS) here.set(name, await written(local, texts, settings, maxTokens));
  } finally {
    await local.dispose();
  }

  const rows = [
    ['server', 'delay', 'setting', 'tokens/s', '× plain there', 'requests', 'prompts', 'kB', 'text'],
  ];
  for (const kind of KINDS) {
    const { port, stop } = await start(kind);
    try {
      for (const delay of delays) {
        const proxy = await delayingProxy(port, delay);
        try {
          const url = `http://127.0.0.1:${proxy.port}`;
          const plain = await tokensPerSecond(url, kind, texts, maxTokens);
          rows.push([kind.name, `${delay} ms`, 'plain there', plain.toFixed(1), '1', '', '', '', '']);
          for (const [name, settings] of SETTINGS) {
            const remote = await loadPair({ targetUrl: url, draft, gpu: 'off' });
            const before = remote.traffic!();
            const results = await written(remote, texts, settings, maxTokens).finally(() => remote.dispose());
            const after = remote.traffic!();
            const sum = (of: (result: GenerationResult) => number) =>
              results.reduce((all, one) => all + of(one), 0);
            const tokens = sum(({ tokens }) => tokens.length);
            const seconds = sum(({ counters }) => counters.ms.decode) / 1000;
            const judged = sum(({ counters: { targetPasses, drafted } }) => targetPasses + drafted);
            const same = results.filter(({ text }, i) => text === here.get(name)![i]!.text).length;
            rows.push([
              kind.name,
              `${delay} ms`,
              name,
              (tokens / seconds).toFixed(1),
              (tokens / seconds / plain).toFixed(2),
              ((after.roundTrips - before.roundTrips) / tokens).toFixed(2),
              (judged / tokens).toFixed(2),
              (
                (after.bytesSent + after.bytesReceived - before.bytesSent - before.bytesReceived) /
                tokens /
                1000
              ).toFixed(1),
              settings.draftLength === 'auto' ? '' : `${same} of ${results.length} the same`,
            ]);
          }
        } finally {
          proxy.close();
        }
      }
    } finally {
      stop();
    }
  }
  process.stdout.write(`${markdownTable(rows)}\n\nRequests, prompts judged and kB are those of a token.\n`);
});

async function written(
  pair: Pair,
  texts: readonly string[],
  settings: SettingsInput,
  maxTokens: number,
): Promise<GenerationResult[]> {
  const series = new Series(pair, run);
  const results: GenerationResult[] = [];
  try {
    for (const text of texts) {
      const asked = { ...settings, seed: SEED, maxTokens, ignoreEos: true };
      for await (const event of series.write(text, asked))
        if (event.type === 'end') results.push(event.result);
    }
  } finally {
    await series.dispose();
  }
  return results;
}

async function tokensPerSecond(url: string, { request }: Kind, texts: readonly string[], maxTokens: number) {
  const ask = async (text: string, count: number) => {
    const { path, body } = request(text, count);
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    await response.text();
  };
  await ask(texts[0]!, 1);
  const started = performance.now();
  for (const text of texts) await ask(text, maxTokens);
  return (texts.length * maxTokens) / ((performance.now() - started) / 1000);
}

async function start({ name, command, args }: Kind): Promise<{ readonly port: number; stop(): void }> {
  const free = await delayingProxy(0, 0);
  const { port } = free;
  free.close();
  const server: ChildProcess = spawn(command, args(port), { stdio: 'ignore' });
  let failure: string | undefined;
  server.on('error', (error) => (failure = error.message));
  server.on('exit', (code) => (failure ??= `it ended with code ${code}`));
  const until = performance.now() + PATIENCE_MS;
  while (failure === undefined && performance.now() < until) {
    const asked = fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(1000) });
    const health = await asked.catch(() => undefined);
    if (health?.ok) return { port, stop: () => void server.kill() };
    await sleep(50);
  }
  server.kill();
  throw new RangeError(
    `${name} does not start: ${failure ?? `it is not ready after ${PATIENCE_MS / 1000} s`}`,
  );
}
