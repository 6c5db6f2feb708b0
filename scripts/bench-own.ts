/**
 * What a step costs besides llama.cpp, behind texts of several lengths, with an engine that costs nothing:
 *   npx tsx scripts/bench-own.ts [--lengths 256,8192,32768,131072] [--steps 200]
 * MTAD with gamma 4 and four beams; medians in milliseconds.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { CacheManager } from '../src/decoding/cache-manager.js';
import { decode } from '../src/decoding/loop.js';
import { ModelCache } from '../src/decoding/model-cache.js';
import { createRng } from '../src/math/rng.js';
import { createStrategy } from '../src/strategies/index.js';
import { IdleContext } from '../test/support/idle-context.js';

const { values } = parseArgs({
  options: {
    lengths: { type: 'string', default: '256,8192,32768,131072' },
    steps: { type: 'string', default: '200' },
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

async function ownTime(length: number, steps: number): Promise<number> {
  const prefix = Array.from({ length }, (_, i) => i % 10);
  const [target, draft] = [1, 4].map((count) => new ModelCache(new IdleContext(2 * length + 5000, count)));
  const cache = new CacheManager(target!, draft);
  for await (const _ of cache.prefill(prefix));
  const isEnd = () => false;
  const strategy = createStrategy(OPTIONS, { sampling, isEnd, target: target!, draft });
  const settings = { maxTokens: 1e6, rng: createRng(1), endsWith: () => undefined, rawLogProbs: false };
  const times: number[] = [];
  for await (const { ms } of decode(strategy, cache, prefix, { ...settings, now: () => performance.now() }))
    if (times.push(ms.own) === steps) break;
  return times.sort((a, b) => a - b)[steps >> 1]!;
}

await ownTime(256, 2000); // compiles
for (const length of values.lengths.split(',').map(Number))
  process.stdout.write(
    `${length} tokens: ${(await ownTime(length, Number(values.steps))).toFixed(3)} ms a step\n`,
  );
