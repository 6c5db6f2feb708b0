import { describe, expect, it } from 'vitest';
import { CacheManager } from '../../src/cache/cache-manager.js';
import { logProbOf } from '../../src/sampling/distribution.js';
import { createRng } from '../../src/sampling/rng.js';
import { likelihoodTruncation, type SamplingSettings } from '../../src/sampling/settings.js';
import { type StrategyOptions, sequencesOf } from '../../src/strategies/index.js';
import type { Prefix, TokenId } from '../../src/types.js';
import { distributionAfter, END, isEnd, TARGET, UNCUT } from '../support/fake-model.js';
import { fakePair } from '../support/fake-pair.js';
import { PROMPT, type RunOptions, run, strategyOn } from '../support/fake-run.js';

const SAMPLINGS: SamplingSettings[] = [
  { temperature: 1, topK: 0, topP: 1 },
  { temperature: 0, topK: 3, topP: 0.9 },
  { temperature: 0.7, topK: 4, topP: 0.8, banned: new Set([2]) },
];

const SEEDS = Array.from({ length: 24 }, (_, i) => i + 1);

const isPrefixOf = (tokens: readonly TokenId[], text: Prefix) =>
  tokens.length <= text.length && tokens.every((token, i) => token === text[i]);

/** Laws that hold for every strategy. */
export function obeysTheContract(options: StrategyOptions): void {
  const gamma = 'gamma' in options ? options.gamma : 0;

  describe.each(SAMPLINGS)('at temperature $temperature, top-k $topK and top-p $topP', (sampling) => {
    const runs = (settings: RunOptions = {}) =>
      Promise.all(SEEDS.map((seed) => run(options, { sampling, rng: createRng(seed), ...settings })));

    it('emits from 1 to gamma + 1 tokens a step', async () => {
      for (const { steps } of await runs())
        for (const { emitted, draft, accepted } of steps) {
          expect(emitted.length).toBeGreaterThanOrEqual(1);
          expect(emitted.length).toBeLessThanOrEqual(gamma + 1);
          expect(draft.length).toBeLessThanOrEqual(gamma);
          expect(accepted).toBeLessThanOrEqual(draft.length);
        }
    });

    it('emits no more tokens than it may', async () => {
      for (const maxTokens of [1, 2, 3, 7])
        for (const { emitted } of await runs({ maxTokens }))
          expect(emitted.length).toBeLessThanOrEqual(maxTokens);
    });

    it('drafts and emits nothing after the end token', async () => {
      for (const { emitted, steps } of await runs({ maxTokens: 30 })) {
        expect(emitted.slice(0, -1)).not.toContain(END);
        for (const { draft } of steps)
          expect(draft.slice(0, -1).map(({ token }) => token)).not.toContain(END);
      }
    });

    it('emits the same text for the same seed', async () => {
      const [once, again] = [await runs(), await runs()];
      expect(once.map(({ emitted }) => emitted)).toEqual(again.map(({ emitted }) => emitted));
    });

    it('leaves nothing in the caches after a step but committed text, its last token excepted', async () => {
      await runs({
        onStep: (_, prefix, { cache, target, draft }) => {
          const committed = prefix.slice(0, -1);
          expect(target.held).toEqual([committed]);
          for (const tokens of draft.held) expect(isPrefixOf(tokens, committed)).toBe(true);
          expect(cache.target.held).toEqual(target.held);
          expect(cache.draft!.held).toEqual(draft.held);
        },
      });
    });

    it('accepts everything where draft and target are one model', async () => {
      for (const { steps } of await runs({ draftModel: TARGET }))
        for (const { draft, accepted, emitted } of steps) {
          expect(accepted).toBe(draft.length);
          if (!isEnd(emitted.at(-1)!)) expect(emitted).toHaveLength(draft.length + 1);
        }
    });

    it('emits only tokens that the target keeps', async () => {
      for (const { prefix } of await runs())
        for (let n = PROMPT.length; n < prefix.length; n++) {
          const kept = distributionAfter(TARGET, prefix.slice(0, n), likelihoodTruncation(sampling));
          expect(logProbOf(kept, prefix[n]!)).toBeGreaterThan(-Infinity);
        }
    });
  });

  it('writes other texts for other seeds', async () => {
    const texts = await Promise.all(SEEDS.map((seed) => run(options, { rng: createRng(seed) })));
    expect(new Set(texts.map(({ emitted }) => emitted.join(' '))).size).toBeGreaterThan(SEEDS.length / 4);
  });

  it('grows no more branches at once than it says', async () => {
    const { cache, draft } = fakePair({ draftSequences: 16 });
    const asked: number[] = [];
    const distributions = cache.draft!.distributions.bind(cache.draft);
    cache.draft!.distributions = (prefix, tree, nodes, truncation) => {
      asked.push(nodes.length);
      return distributions(prefix, tree, nodes, truncation);
    };
    const strategy = strategyOn(cache, options, SAMPLINGS[0]!);
    for (const seed of SEEDS) await strategy.draft(PROMPT, 8, createRng(seed));
    expect(Math.max(0, ...asked)).toBe(Math.min(draft.sequences, sequencesOf(options).draft));
  });

  it('can do without a draft model where it says that it needs none, and only there', () => {
    const make = () => strategyOn(new CacheManager(fakePair().cache.target), options, UNCUT);
    if (sequencesOf(options).draft === 0) expect(make).not.toThrow();
    else expect(make).toThrow(/draft model/);
  });
}
