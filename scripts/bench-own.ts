/**
 * What a step costs besides llama.cpp, behind texts of several lengths: with an engine that costs nothing, or with two
 * models, on one thread.
 *   npm run bench:own [-- --lengths 256,8192,32768,131072] [--steps 200]
 *   npm run bench:own -- --lengths 256,8192,32768 --target target.gguf --draft draft.gguf
 * MTAD with gamma 4 and four beams; medians in milliseconds. With models, the step includes the sum over the vocabulary
 * that perplexity needs. Models for it, of any vocabulary, with context for the text:
 *   npx tsx scripts/make-random-model.ts --out target.gguf --vocab 128000 --width 64 --layers 1 --ffn 64 --context 40000
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { CacheManager } from '../src/decoding/cache-manager.js';
import { decode } from '../src/decoding/loop.js';
import { ModelCache } from '../src/decoding/model-cache.js';
import { openCache } from '../src/decoding/open-cache.js';
import { createRng } from '../src/math/rng.js';
import { loadPair } from '../src/models/pair.js';
import { createStrategy } from '../src/strategies/index.js';
import { IdleContext } from '../test/support/idle-context.js';

const { values } = parseArgs({
  options: {
    lengths: { type: 'string', default: '256,8192,32768,131072' },
    steps: { type: 'string', default: '200' },
    target: { type: 'string' },
    draft: { type: 'string' },
  },
});
const OPTIONS = {
  strategy: 'mtad',
  draftLength: 4,
  beamWidth: 4,
  threshold: 0.1,
  clip: false,
  draftFrom: 'model',
} as const;
const sampling = { temperature: 1, topK: 10, topP: 0.9 };

const pair = values.target
  ? await loadPair({ model: values.target, draft: values.draft, gpu: 'off' })
  : undefined;

/** The caches of a text of this length, and more than the steps can add to it. */
async function openCaches(length: number, steps: number): Promise<CacheManager> {
  const capacity = length + 5 * steps + 8;
  if (pair) {
    const sequences = { targetSequences: 1, draftSequences: OPTIONS.beamWidth };
    return openCache(pair, { ...sequences, capacity, draftLength: OPTIONS.draftLength, threads: 1 });
  }
  const [target, draft] = [1, OPTIONS.beamWidth].map(
    (count) => new ModelCache(new IdleContext(capacity, count)),
  );
  return new CacheManager(target!, draft);
}

async function ownTime(length: number, steps: number): Promise<number> {
  const prefix = Array.from({ length }, (_, i) => 5 + (i % 10));
  const cache = await openCaches(length, steps);
  const { target, draft } = cache;
  for await (const _ of cache.prefill(prefix));
  const strategy = createStrategy(OPTIONS, { sampling, isEnd: () => false, target, draft });
  const settings = {
    maxTokens: 1e6,
    rng: createRng(1),
    endsWith: () => undefined,
    rawLogProbs: pair !== undefined,
  };
  const times: number[] = [];
  for await (const { ms } of decode(strategy, cache, prefix, { ...settings, now: () => performance.now() }))
    if (times.push(ms.own) === steps) break;
  await cache.dispose();
  return times.sort((a, b) => a - b)[steps >> 1]!;
}

await ownTime(256, pair ? 100 : 2000); // compiles
for (const length of values.lengths.split(',').map(Number))
  process.stdout.write(
    `${length} tokens: ${(await ownTime(length, Number(values.steps))).toFixed(3)} ms a step\n`,
  );
await pair?.dispose();
