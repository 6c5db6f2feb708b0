import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CacheManager } from '../../src/decoding/cache-manager.js';
import { openCache } from '../../src/decoding/open-cache.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { createStrategy } from '../../src/strategies/index.js';
import { HYBRID } from '../support/hybrid.js';
import { tries } from '../support/tries.js';
import { lawsOfFirst, testFirst, writeTexts } from './first-tokens.js';

const TEXTS = tries(500, 5000);
const SIGNIFICANCE = 0.001; // two-sided, for each length
/** After it a rule that leaves the residual out shows in 500 texts; after most others it takes thousands. */
const PROMPT = 'She was';
const SAMPLING = { temperature: 1, topK: 40, topP: 1 };

let pair: Pair;
let cache: CacheManager;
beforeAll(async () => {
  pair = await loadPair({ model: HYBRID, engine: 'direct', gpu: 'off' });
  const room = { capacity: 32, targetSequences: 1, draftSequences: 1, draftLength: 2, threads: 1 };
  cache = await openCache(pair, { ...room, usesHead: true });
});
afterAll(async () => {
  await cache.dispose();
  await pair.dispose();
});

it.each(tries<('speculative' | 'block')[]>(['block'], ['speculative', 'block']))(
  `the first tokens of ${TEXTS} texts by %s with a drafting head are distributed as the target says`,
  async (strategy) => {
    const prompt = pair.target.tokenizer.encode(PROMPT);
    const { target, draft } = cache;
    const options = { strategy, draftLength: 2, draftFrom: 'mtp' } as const;
    const drafting = createStrategy(options, { sampling: SAMPLING, isEnd: () => false, target, draft });
    const { texts, acceptanceRate } = await writeTexts(drafting, cache, prompt, 3, TEXTS);
    for (const { p } of testFirst(texts, await lawsOfFirst(target, prompt, SAMPLING, 5 / TEXTS)))
      expect(Math.min(p, 1 - p)).toBeGreaterThan(SIGNIFICANCE / 2);
    expect(acceptanceRate).toBeGreaterThan(0.3); // else the rule was hardly asked
  },
);
