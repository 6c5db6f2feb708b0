import { beforeAll, expect, it } from 'vitest';
import type { Pair } from '../../src/models/pair.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { run } from './generate-run.js';

const MIB = 2 ** 20;

let pair: Pair;
beforeAll(async () => {
  pair = await embeddedPair();
});

/** One sentence, in contexts for a thousand tokens, by each strategy in turn. */
const generation = (seed: number) =>
  run(pair, { strategy: STRATEGY_NAMES[seed % STRATEGY_NAMES.length]!, seed, maxTokens: 1000, stop: ['.'] });

it('eighty generations in a row take no more memory than thirty', async () => {
  for (let seed = 0; seed < 30; seed++) await generation(seed);
  const before = process.memoryUsage().rss;
  for (let seed = 30; seed < 80; seed++) await generation(seed);
  const growth = (process.memoryUsage().rss - before) / MIB;
  expect(growth).toBeLessThan(300); // 800 and more where the contexts are not freed
});
