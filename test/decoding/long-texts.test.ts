import { describe, expect, it } from 'vitest';
import { CacheManager } from '../../src/decoding/cache-manager.js';
import { decode } from '../../src/decoding/loop.js';
import { ModelCache } from '../../src/decoding/model-cache.js';
import { createRng } from '../../src/math/rng.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import { GrammarConstraint } from '../../src/text/grammar-constraint.js';
import type { TokenId } from '../../src/types.js';
import { decodeOptions, neverEnds, prefill, strategyOn } from '../support/fake-run.js';
import { IdleContext } from '../support/idle-context.js';
import { STRATEGIES } from './strategies.js';

const STEPS = 6;
const LOOKUP: StrategyOptions = {
  strategy: 'mtad',
  draftLength: 3,
  beamWidth: 2,
  threshold: 0.5,
  clip: false,
  draftFrom: 'lookup',
};
const ANYTHING = { isComplete: true, allows: () => true, after: () => ANYTHING };

/** How often a token of the text is read or copied in some steps that follow on so many, the first step left out. */
async function tokensRead(options: StrategyOptions, length: number): Promise<number> {
  let reads = 0;
  const rng = createRng(7);
  const text: TokenId[] = Array.from({ length }, () => Math.floor(10 * rng()));
  const prefix = new Proxy(text, {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
      return Reflect.get(target, key, receiver);
    },
  });
  const [target, draft] = [0, 1].map(() => new ModelCache(new IdleContext(2 * length, 2)));
  const cache = new CacheManager(target!, draft);
  await prefill(cache, prefix);
  const constraint = new GrammarConstraint(ANYTHING, length);
  const penalties = { repeat: 1, presence: 0.1, frequency: 0, last: 64 };
  const sampling = { temperature: 1, topK: 10, topP: 0.9, penalties, constraint };
  const strategy = strategyOn(cache, options, sampling);
  const settings = decodeOptions({ maxTokens: length, endsWith: neverEnds, rng });
  let steps = 0;
  for await (const _ of decode(strategy, cache, prefix, settings)) {
    if (steps === 0) reads = 0; // what is read once for a whole text
    if (steps++ === STEPS) break;
  }
  return reads;
}

describe('a step behind a long text', () => {
  it.each([...STRATEGIES, LOOKUP])('reads no more of it than of a short one: %o', async (options) => {
    const [short, long] = [await tokensRead(options, 256), await tokensRead(options, 32_768)];
    expect(short).toBeGreaterThan(0);
    expect(long).toBeLessThanOrEqual(1.5 * short);
  });
});
