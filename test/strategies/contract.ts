import { describe, expect, it } from 'vitest';
import { CacheManager } from '../../src/decoding/cache-manager.js';
import { logProbOf } from '../../src/math/distribution.js';
import { likeliestLeaf, pathTo } from '../../src/math/draft-tree.js';
import { createRng } from '../../src/math/rng.js';
import { likelihoodTruncation, type SamplingSettings } from '../../src/math/sampling-settings.js';
import { type StrategyOptions, sequencesOf } from '../../src/strategies/index.js';
import type { Prefix, TokenId } from '../../src/types.js';
import { distributionAfter, END, isEnd, TARGET, UNCUT } from '../support/fake-model.js';
import { fakePair } from '../support/fake-pair.js';
import { neverEnds, PROMPT, type RunOptions, run, strategyOn } from '../support/fake-run.js';
import { heldTexts, knownTexts } from '../support/known-texts.js';
import { tries } from '../support/tries.js';

const SAMPLINGS: SamplingSettings[] = [
  { temperature: 1, topK: 0, topP: 1 },
  { temperature: 0, topK: 3, topP: 0.9 },
  { temperature: 0.7, topK: 4, topP: 0.8, banned: new Set([2]) },
  {
    temperature: 0.9,
    topK: 4,
    topP: 0.95,
    minP: 0.02,
    penalties: { repeat: 1.2, presence: 0.3, frequency: 0.1, last: 5 },
  },
];

const SEEDS = Array.from({ length: tries(8, 24) }, (_, i) => i + 1);

const isPrefixOf = (tokens: readonly TokenId[], text: Prefix) =>
  tokens.length <= text.length && tokens.every((token, i) => token === text[i]);

/** Laws that hold for every strategy. */
export function obeysTheContract(options: StrategyOptions): void {
  const draftLength = 'draftLength' in options ? options.draftLength : 0;
  const looksUp = 'draftFrom' in options && options.draftFrom === 'lookup';

  describe.each(SAMPLINGS)('at temperature $temperature, top-k $topK and top-p $topP', (sampling) => {
    const runs = (settings: RunOptions = {}) =>
      Promise.all(SEEDS.map((seed) => run(options, { sampling, rng: createRng(seed), ...settings })));

    it('emits from 1 to gamma + 1 tokens a step', async () => {
      for (const { steps } of await runs())
        for (const { emitted, drafted, accepted } of steps) {
          expect(emitted.length).toBeGreaterThanOrEqual(1);
          expect(emitted.length).toBeLessThanOrEqual(draftLength + 1);
          expect(drafted).toBeLessThanOrEqual(draftLength);
          expect(accepted).toBeLessThanOrEqual(drafted);
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
          for (const { parent } of draft) expect(draft[parent]?.token).not.toBe(END);
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
          const known = [cache.target, cache.draft!].map((one) => knownTexts(one, prefix));
          expect(known[0]).toContainEqual(committed);
          for (const tokens of known.flat()) expect(isPrefixOf(tokens, committed)).toBe(true);
          expect(heldTexts(cache.target, target)).toEqual(known[0]);
          expect(heldTexts(cache.draft!, draft)).toEqual(known[1]);
        },
      });
    });

    if (!looksUp)
      it('accepts all of the likeliest guess where draft and target are one model', async () => {
        for (const { whole } of await runs({ draftModel: TARGET }))
          for (const { draft, accepted, emitted, next } of whole) {
            expect(accepted).toBe(pathTo(draft, likeliestLeaf(draft)).length);
            if (!isEnd(emitted.at(-1)!))
              expect(emitted).toHaveLength(accepted + (next === undefined ? 0 : 1));
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

  it('has as many branches at once as it says, and never more', async () => {
    const { target, draft } = sequencesOf(options);
    const settings = { maxTokens: 20, endsWith: neverEnds };
    await expect(run(options, settings)).resolves.toBeDefined();
    for (const lack of [{ targetSequences: target - 1 }, { draftSequences: draft - 1 }])
      if (Math.min(...Object.values(lack)) > 0)
        await expect(run(options, { ...settings, ...lack })).rejects.toThrow(/branches/);
  });

  it('can do without a draft model where it says that it needs none, and only there', () => {
    const make = () => strategyOn(new CacheManager(fakePair().cache.target), options, UNCUT);
    if (sequencesOf(options).draft === 0) expect(make).not.toThrow();
    else expect(make).toThrow(/draft model/);
  });
}
