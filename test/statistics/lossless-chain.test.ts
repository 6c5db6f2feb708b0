import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CacheManager } from '../../src/decoding/cache-manager.js';
import { openCache } from '../../src/decoding/open-cache.js';
import type { Strategy } from '../../src/decoding/strategy.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { createStrategy } from '../../src/strategies/index.js';
import { judgingEvenly } from '../support/corpus-of.js';
import { attentionWithChain, CHAIN } from '../support/head-models.js';
import { tries } from '../support/tries.js';
import { type Laws, lawsOfFirst, testFirst, writeTexts } from './first-tokens.js';
import { wrongly } from './wrong-rule.js';

const TEXTS = tries(600, 5000);
const SIGNIFICANCE = 0.001; // two-sided, for each length
const SAMPLING = { temperature: 1, topK: 40, topP: 1 };

/**
 * A token after which about half of the guesses are right, those of deeper heads too, and wrong rules show in few texts: after
 * most others they take thousands.
 */
const PROMPT = [350];

/** Of each text: the first draft then has a guess of each head. */
const TOKENS = 1 + CHAIN;

let dir: string;
let pair: Pair;
let cache: CacheManager;
let laws: Laws;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-lossless-chain-'));
  pair = await loadPair({ model: await attentionWithChain(dir), engine: 'direct', gpu: 'off' });
  const room = { capacity: 32, targetSequences: 1, draftSequences: 1, draftLength: CHAIN, threads: 1 };
  cache = await openCache(pair, { ...room, usesHead: true });
  laws = await lawsOfFirst(cache.target, PROMPT, SAMPLING, 5 / TEXTS);
});
afterAll(async () => {
  await cache.dispose();
  await pair.dispose();
  await rm(dir, { recursive: true, force: true });
});

function create(strategy: 'speculative' | 'block'): Strategy {
  const options = { strategy, draftLength: CHAIN, draftFrom: 'mtp' } as const;
  const { target, draft } = cache;
  return createStrategy(options, { sampling: SAMPLING, isEnd: () => false, target, draft });
}

/** How unlikely the least likely of the first tokens, the first two and the first three are under the target. */
async function leastLikely(strategy: Strategy): Promise<number> {
  const { texts } = await writeTexts(strategy, cache, PROMPT, TOKENS, TEXTS);
  return Math.min(...testFirst(texts, laws).map(({ p }) => p));
}

describe(`the first tokens of ${TEXTS} texts with a chain of heads`, () => {
  it.each(['speculative', 'block'] as const)('by %s are distributed as the target says', async (strategy) => {
    const { texts, acceptanceRate } = await writeTexts(create(strategy), cache, PROMPT, TOKENS, TEXTS);
    for (const { p } of testFirst(texts, laws)) expect(Math.min(p, 1 - p)).toBeGreaterThan(SIGNIFICANCE / 2);
    expect(acceptanceRate).toBeGreaterThan(0.3); // else the rule was hardly asked, or hardly refused
    expect(acceptanceRate).toBeLessThan(0.7);
  });

  it('are found wrong when a rule leaves the residual out', async () => {
    expect(await leastLikely(wrongly(create('speculative'), 1, (p) => p))).toBeLessThan(1e-6);
  });

  it.each(
    tries<{ strategy: 'speculative' | 'block'; heads: string; from: number }[]>(
      [{ strategy: 'speculative', heads: 'the deeper heads', from: 1 }],
      (['speculative', 'block'] as const).flatMap((strategy) => [
        { strategy, heads: 'all heads', from: 0 },
        { strategy, heads: 'the deeper heads', from: 1 },
      ]),
    ),
  )(
    'by $strategy are found wrong when guesses of $heads are judged by another q',
    async ({ strategy, from }) => {
      expect(await leastLikely(judgingEvenly(create(strategy), from))).toBeLessThan(1e-6);
    },
  );
});
