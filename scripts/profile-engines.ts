/**
 * What an engine adds to llama.cpp's own time, for a pass of k tokens of which each is read:
 *   npx tsx scripts/profile-engines.ts [--model FILE] [--threads N] [--repeat 25] [--whole] [--gpu cuda]
 * T(k) is llama_decode as the direct engine calls it; "own" is what an engine takes beyond it, per position. The engines
 * take turns. Medians in milliseconds. --whole reads the whole vocabulary, as a perplexity needs it, not ten tokens.
 * At the end: tokens per second of plain decoding, a bare loop of llama_decode and argmax against the direct engine.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { createBindingsEngine } from '../src/engine/bindings/engine.js';
import { BatchMemory } from '../src/engine/direct/batch.js';
import { createDirectEngine } from '../src/engine/direct/engine.js';
import { openInstalled } from '../src/engine/direct/installed.js';
import { CONTEXT_DEFAULTS, MODEL_DEFAULTS } from '../src/engine/direct/layout.js';
import { ThreadPools } from '../src/engine/direct/thread-pools.js';
import type { BatchToken, Context } from '../src/engine/passes.js';
import type { Gpu } from '../src/engine/port.js';
import { generate, loadPair } from '../src/index.js';
import { EMBEDDED_PAIR } from '../src/models/resolve.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: EMBEDDED_PAIR.model },
    threads: { type: 'string', default: '1' },
    repeat: { type: 'string', default: '25' },
    tokens: { type: 'string', default: '64' },
    whole: { type: 'boolean', default: false },
    gpu: { type: 'string', default: 'off' },
  },
});
const threads = Number(values.threads);
const gpu = values.gpu as Gpu;
const read = { top: 10, logSumExp: values.whole };
const PREFIX = 32; // tokens that stand before
const CAPACITY = 512;

const chain = (length: number, position: number): BatchToken[] =>
  Array.from({ length }, (_, i) => ({
    token: 260 + ((position + i) % 90),
    position: position + i,
    sequences: [0],
    wanted: true,
  }));

/** The C API with nothing around it, on a context like the direct engine's. */
async function openBare() {
  const { library } = await openInstalled({ gpu });
  const model = (await library.modelLoad(values.model, {
    ...MODEL_DEFAULTS,
    n_gpu_layers: gpu === 'off' ? 0 : -1,
  }))!;
  const context = (await library.contextInit(model, {
    ...CONTEXT_DEFAULTS,
    n_ctx: CAPACITY,
    n_batch: 128,
    n_ubatch: 128,
    n_threads: threads,
    n_threads_batch: threads,
    kv_unified: true,
  }))!;
  const pools = new ThreadPools(library);
  library.threadPoolAttach(context, pools.ofSize(threads).pointer);
  const memory = library.memory(context);
  const batch = new BatchMemory(library, 128, 1);
  const size = library.vocabularySize(model);
  return {
    decode: (tokens: readonly BatchToken[]) =>
      library.decode(context, batch.fill(tokens, new Set(tokens.filter(({ wanted }) => wanted)))),
    forget: (from: number) => library.memoryRemove(memory, 0, from, -1),
    argmax() {
      const row = new Float32Array(library.view(library.logits(context)!, 4 * size));
      let best = 0;
      for (let token = 1; token < size; token++) if (row[token]! > row[best]!) best = token;
      return best;
    },
    async dispose() {
      await library.contextFree(context);
      await library.modelFree(model);
      pools.dispose();
    },
  };
}

async function timed(task: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await task();
  return performance.now() - started;
}

const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[times.length >> 1]!;

/** Time spent in llama_decode since the last look, in all contexts of the direct engine; on a GPU it ends when that has. */
async function watchDecode(): Promise<() => number> {
  const { library } = await openInstalled({ gpu });
  let spent = 0;
  const watched =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      const started = performance.now();
      const result = await call(...args);
      spent += performance.now() - started;
      return result;
    };
  library.decode = watched(library.decode);
  library.synchronize = watched(library.synchronize);
  const { decodeHere } = library;
  library.decodeHere = (context, batch) => {
    const started = performance.now();
    try {
      return decodeHere(context, batch);
    } finally {
      spent += performance.now() - started;
    }
  };
  return () => {
    const taken = spent;
    spent = 0;
    return taken;
  };
}

const inDecode = await watchDecode();
const engines = [await createDirectEngine({ gpu }), await createBindingsEngine({ gpu })];
const contexts: Context[] = [];
for (const engine of engines) {
  const model = await engine.loadModel(values.model, {});
  contexts.push(await model.createContext({ capacity: CAPACITY, sequences: 1, threads }));
}
for (const context of contexts) await context.run({ keeps: [], batch: chain(PREFIX, 0), read });

const rows = [
  '| k | T(k) | direct | own per position | bindings | own per position |',
  '| - | - | - | - | - | - |',
];
for (const k of [1, 2, 4, 5, 8, 17, 21]) {
  const batch = chain(k, PREFIX);
  const rounds: { bare: number; own: number; times: number[] }[] = [];
  for (let i = -3; i < Number(values.repeat); i++) {
    inDecode();
    const times: number[] = [];
    for (const context of contexts) {
      times.push(
        await timed(() =>
          context.run({ keeps: [{ sequence: 0, from: 0, length: PREFIX, alike: PREFIX }], batch, read }),
        ),
      );
    }
    const bare = inDecode();
    if (i >= 0) rounds.push({ bare, own: (times[0]! - bare) / k, times }); // the first rounds warm up
  }
  const [bare, own] = [median(rounds.map((round) => round.bare)), median(rounds.map((round) => round.own))];
  const [direct, bindings] = contexts.map((_, who) => median(rounds.map(({ times }) => times[who]!))) as [
    number,
    number,
  ];
  rows.push(
    `| ${k} | ${bare.toFixed(2)} | ${direct.toFixed(2)} | ${own.toFixed(3)} | ${bindings.toFixed(2)} | ${((bindings - bare) / k).toFixed(3)} |`,
  );
}
process.stdout.write(`${rows.join('\n')}\n`);
for (const engine of engines) await engine.dispose();

const bare = await openBare();
const tokens = Number(values.tokens);
const pair = await loadPair({ model: values.model, needsDraft: false, gpu });
const prompt = 'Once upon a time';
const promptTokens = pair.target.tokenizer.encode(prompt);

async function bareLoop(): Promise<number> {
  bare.forget(0);
  let next = 0;
  const feed = async (token: number, position: number) => {
    await bare.decode([{ token, position, sequences: [0], wanted: true }]);
    next = bare.argmax();
  };
  for (const [position, token] of promptTokens.entries()) await feed(token, position);
  return timed(async () => {
    for (let i = 1; i < tokens; i++) await feed(next, promptTokens.length + i - 1);
  });
}

async function directLoop(): Promise<number> {
  const settings = {
    strategy: 'autoregressive',
    temperature: 0,
    ignoreEos: true,
    maxTokens: tokens,
  } as const;
  let started = 0;
  let ended = 0;
  for await (const event of generate(pair, prompt, settings, { threads }))
    if (event.type === 'step') {
      started ||= performance.now(); // behind the first token, as in the bare loop
      ended = performance.now();
    }
  return ended - started;
}

const loops: number[][] = [[], []];
for (let i = -1; i < Math.max(3, Number(values.repeat) / 5); i++) {
  const round = [await bareLoop(), await directLoop()];
  if (i >= 0) for (const [who, time] of round.entries()) loops[who]!.push(time);
}
const [bareRate, directRate] = loops.map((times) => (1000 * (tokens - 1)) / median(times)) as [
  number,
  number,
];
process.stdout.write(
  `\nplain decoding, ${tokens} tokens, ${loops[0]!.length} rounds: bare loop ${bareRate.toFixed(1)} tokens/s, ` +
    `${pair.engine.name} engine ${directRate.toFixed(1)} tokens/s, ratio ${(directRate / bareRate).toFixed(3)}\n`,
);
await pair.dispose();
await bare.dispose();
