import { describe, expect, it } from 'vitest';
import { CacheManager } from '../../src/decoding/cache-manager.js';
import { decode } from '../../src/decoding/loop.js';
import { ModelCache } from '../../src/decoding/model-cache.js';
import { createRng } from '../../src/math/rng.js';
import { type Prefix, ROOT } from '../../src/types.js';
import { fakeClock } from '../support/fake-clock.js';
import { FakeContext } from '../support/fake-context.js';
import { DRAFT, distributionAfter, type FakeModel, TARGET, UNCUT } from '../support/fake-model.js';
import { pathTo } from '../support/fake-next-tokens.js';
import { decodeOptions, neverEnds, PROMPT, type RunOptions, run, strategyOn } from '../support/fake-run.js';
import { AUTOREGRESSIVE, CHAINS, SPECULATIVE, STRATEGIES } from './strategies.js';

const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1);

describe('decode', () => {
  describe.each(STRATEGIES)('with $strategy', (options) => {
    it('tells where each step stands in the text', async () => {
      for (const seed of SEEDS) {
        let length = PROMPT.length;
        await run(options, {
          rng: createRng(seed),
          onStep: (step, prefix) => {
            expect(step.position).toBe(length);
            expect(prefix.slice(step.position)).toEqual(step.emitted);
            length = prefix.length;
          },
        });
      }
    });

    it('emits the accepted tokens of the draft, then the next one', async () => {
      for (const seed of SEEDS) {
        const { steps } = await run(options, { rng: createRng(seed) });
        for (const { draft, accepted, next, emitted } of steps) {
          const paths = [ROOT, ...draft.keys()].map((node) => pathTo(draft, node));
          expect(paths).toContainEqual(emitted.slice(0, accepted));
          const rest = emitted.slice(accepted);
          expect(rest).toEqual(next === undefined ? [] : [next].slice(0, rest.length));
        }
      }
    });

    it('tells how many tokens were guessed in a row that could be emitted', async () => {
      for (const [i, seed] of SEEDS.entries()) {
        const maxTokens = i + 1;
        const { steps } = await run(options, { rng: createRng(seed), maxTokens });
        for (const { draft, drafted, position } of steps) {
          const lengths = [...draft.keys()].map((node) => pathTo(draft, node).length);
          const room = maxTokens - (position - PROMPT.length);
          expect(drafted).toBe(Math.min(room, Math.max(0, ...lengths)));
        }
      }
    });

    it('reads the raw log-probability of each emitted token, and only where it is asked to', async () => {
      const sampling = { temperature: 0.7, topK: 3, topP: 0.9 };
      for (const seed of SEEDS) {
        const settings: RunOptions = { sampling, rng: createRng(seed), rawLogProbs: true };
        const { steps, prefix } = await run(options, settings);
        for (const { position, emitted, rawLogProbs } of steps)
          emitted.forEach((token, i) => {
            expect(rawLogProbs![i]).toBeCloseTo(rawOf(prefix.slice(0, position + i), token), 12);
          });
        for (const step of (await run(options, { sampling })).steps) expect(step.rawLogProbs).toBeUndefined();
      }
    });

    it('emits the same text whether or not raw log-probabilities are read', async () => {
      const texts = [true, false].map(
        async (rawLogProbs) => (await run(options, { rawLogProbs, rng: createRng(5) })).emitted,
      );
      expect(await texts[0]).toEqual(await texts[1]);
    });
  });

  describe.each(CHAINS)('with $strategy', (options) => {
    it('evaluates in each step, and with the target, the last token and the draft and nothing else', async () => {
      for (const seed of SEEDS) {
        const { steps, pair } = await run(options, { rng: createRng(seed) });
        const judged = steps.reduce((sum, { draft }) => sum + draft.length + 1, 0);
        expect(pair.target.evaluated).toBe(PROMPT.length - 1 + judged);
        for (const { targetPasses } of steps) expect(targetPasses).toBe(1);
      }
    });

    it.each([0, 1])(
      'evaluates each token once where draft and target are one model, at temperature %d',
      async (temperature) => {
        for (const maxTokens of [1, 2, 5, 12]) {
          const { emitted, steps, pair } = await run(options, {
            sampling: { ...UNCUT, temperature },
            draftModel: TARGET,
            maxTokens,
            endsWith: neverEnds,
          });
          expect(emitted).toHaveLength(maxTokens);
          const last = steps.at(-1)!;
          const cut = last.draft.length + 1 - last.emitted.length; // by the limit
          expect(pair.target.evaluated).toBe(PROMPT.length + emitted.length - 1 + cut); // the last one is not
        }
      },
    );
  });

  it('asks for drafts that the context has room for, the next token included, whatever the text may be', async () => {
    for (const [maxTokens, capacity] of [
      [7, 64],
      [64, 9],
      [6, 9],
    ] as const) {
      const asked: { position: number; room: number }[] = [];
      await run(SPECULATIVE, {
        maxTokens,
        capacity,
        endsWith: neverEnds,
        alter: (strategy) => ({
          ...strategy,
          draft: (prefix: Prefix, room, rng) => {
            asked.push({ position: prefix.length, room });
            return strategy.draft(prefix, room, rng);
          },
        }),
      });
      for (const { position, room } of asked) {
        expect(room).toBe(capacity - position);
        expect(room).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it.each([
    undefined,
    { repeat: 1.3, presence: 0.4, frequency: 0.2, last: 4 },
    { repeat: 0.8, presence: -0.4, frequency: 0.2, last: Infinity },
  ])(
    'shows the rule the distributions of both models after the prefix and after each token of the draft: penalties %o',
    async (penalties) => {
      const sampling = { temperature: 0.7, topK: 3, topP: 0.9, minP: 0.1, penalties };
      const { steps, prefix } = await run(SPECULATIVE, { sampling, endsWith: neverEnds });
      for (const { p, draft, position } of steps) {
        const text = [...prefix.slice(0, position), ...draft.map(({ token }) => token)];
        const following = (model: FakeModel, count: number) =>
          Array.from({ length: count }, (_, n) =>
            distributionAfter(model, text.slice(0, position + n), sampling),
          );
        expect(p).toEqual(following(TARGET, draft.length + 1));
        expect(draft.map(({ q }) => q)).toEqual(following(DRAFT, draft.length));
      }
    },
  );

  it('divides the time of a step into drafting, verification, waiting and its own', async () => {
    const now = fakeClock();
    const starts: number[] = [];
    const { steps } = await run(SPECULATIVE, { now, endsWith: neverEnds, onStep: () => starts.push(now()) });
    for (const [i, { ms, draft, targetPasses, draftPasses }] of steps.entries()) {
      expect(ms.verify).toBeGreaterThan(0);
      expect(ms.draft > 0).toBe(draft.length > 0);
      expect(ms.wait).toBe(targetPasses + draftPasses); // the fake context's clock moves on by one before each
      expect(ms.own).toBeGreaterThan(0);
      if (i > 0) expect(ms.draft + ms.verify + ms.wait + ms.own).toBe(starts[i]! - starts[i - 1]!); // all of it, what was done with the step before included
    }
  });

  it('counts the passes of the draft model', async () => {
    const { steps, pair } = await run(SPECULATIVE, { endsWith: neverEnds });
    const counted = steps.reduce((sum, { draftPasses }) => sum + draftPasses, 0);
    for (const { draft, draftPasses } of steps) expect(draftPasses).toBe(draft.length);
    expect(pair.draft.passes).toBe(counted + 1); // one for the prompt
    for (const { draftPasses } of (await run(AUTOREGRESSIVE)).steps) expect(draftPasses).toBe(0);
  });

  it('writes without a draft model what it writes beside one that is not asked', async () => {
    const cache = new CacheManager(new ModelCache(new FakeContext(TARGET)));
    const prefix = [...PROMPT];
    const strategy = strategyOn(cache, AUTOREGRESSIVE, UNCUT);
    for await (const { draftPasses, ms } of decode(strategy, cache, prefix, decodeOptions()))
      expect([draftPasses, ms.draft]).toEqual([0, 0]);
    expect(prefix).toEqual((await run(AUTOREGRESSIVE)).prefix);
  });
});

/** Log-probability over the whole vocabulary at temperature 1. */
function rawOf(text: Prefix, token: number): number {
  const logits = TARGET(text.at(-1)!, text.at(-2)!);
  return logits[token]! - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
}
