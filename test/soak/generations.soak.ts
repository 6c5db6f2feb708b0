import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import { run } from '../generation/generate-run.js';

const MIB = 2 ** 20;
const GENERATIONS = 1000;
const WARM_UP = 50;

let pair: Pair;
beforeAll(async () => {
  pair = await loadPair({ gpu: 'off', engine: 'direct' });
});
afterAll(() => pair.dispose());

it(`${GENERATIONS} generations in one process take no more memory than ${WARM_UP}`, async () => {
  const sizes: number[] = []; // MiB, every WARM_UP generations
  for (let n = 0; n < GENERATIONS; n++) {
    const strategy = STRATEGY_NAMES[n % STRATEGY_NAMES.length]!;
    await run(pair, { strategy, seed: n, maxTokens: 32 });
    if ((n + 1) % WARM_UP === 0) sizes.push(Math.round(process.memoryUsage().rss / MIB));
  }
  process.stdout.write(`resident MiB every ${WARM_UP} generations: ${sizes.join(' ')}\n`);
  expect(Math.max(...sizes.slice(1)) - sizes[0]!).toBeLessThan(64);
});
