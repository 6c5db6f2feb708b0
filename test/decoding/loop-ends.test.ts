import { describe, expect, it } from 'vitest';
import { decode } from '../../src/decoding/loop.js';
import type { Strategy } from '../../src/decoding/strategy.js';
import { createRng } from '../../src/math/rng.js';
import type { Draft } from '../../src/types.js';
import { END, type FakeModel, TARGET, UNCUT } from '../support/fake-model.js';
import { fakePair } from '../support/fake-pair.js';
import { decodeOptions, neverEnds, PROMPT, run, strategyOn } from '../support/fake-run.js';
import { knownTexts } from '../support/known-texts.js';
import { AUTOREGRESSIVE, emittedOf, GREEDY, MTAD, SPECULATIVE, STRATEGIES } from './strategies.js';

/** Accepts so many tokens of every draft, whatever they are, and adds the token given. */
const accepting =
  (count: number, next = 0) =>
  (strategy: Strategy): Strategy => ({
    ...strategy,
    accept: (draft: Draft) => ({ accepted: [...draft.keys()].slice(0, count), next }),
  });

describe('decode', () => {
  describe.each(STRATEGIES)('with $strategy', (options) => {
    it('emits no more tokens than it may, and exactly as many where nothing ends the text', async () => {
      for (let maxTokens = 1; maxTokens <= 9; maxTokens++) {
        const { emitted, finish } = await run(options, { maxTokens, endsWith: neverEnds });
        expect(emitted).toHaveLength(maxTokens);
        expect(finish).toBe('length');
      }
    });

    it('fills the context to the last cell and one token beyond, and says so', async () => {
      for (let capacity = PROMPT.length; capacity <= 10; capacity++) {
        const { prefix, finish } = await run(options, { capacity, maxTokens: 50, endsWith: neverEnds });
        expect(prefix).toHaveLength(capacity + 1); // the last token needs no cell
        expect(finish).toBe('context');
      }
    });

    it('calls it the length where length and context are reached together', async () => {
      const settings = { capacity: 9, maxTokens: 10 - PROMPT.length, endsWith: neverEnds };
      expect((await run(options, settings)).finish).toBe('length');
    });

    it('ends with the end token and emits nothing after it', async () => {
      let ended = 0;
      for (let seed = 1; seed <= 10; seed++) {
        const { emitted, steps, finish, prefix } = await run(options, {
          rng: createRng(seed),
          maxTokens: 20,
        });
        expect(emittedOf(steps)).toEqual(emitted);
        expect(emitted.slice(0, -1)).not.toContain(END);
        expect(emitted.at(-1) === END).toBe(finish === 'eos');
        expect(prefix).toEqual([...PROMPT, ...emitted]);
        if (finish === 'eos') ended++;
      }
      expect(ended).toBeGreaterThan(3);
    });
  });

  it('has nothing to do in a context that the prompt does not fit into', async () => {
    const { cache } = fakePair({ capacity: PROMPT.length - 1 });
    const strategy = strategyOn(cache, AUTOREGRESSIVE, UNCUT);
    const prefix = [...PROMPT];
    const turn = await decode(strategy, cache, prefix, decodeOptions()).next();
    expect(turn).toEqual({ done: true, value: 'context' });
    expect(prefix).toEqual(PROMPT);
  });

  describe('when it is interrupted', () => {
    it('does nothing at all where that was before the first step', async () => {
      const { steps, finish, prefix, pair } = await run(MTAD, { signal: AbortSignal.abort() });
      expect([steps, finish, prefix]).toEqual([[], 'interrupted', PROMPT]);
      expect(pair.target.evaluated).toBe(PROMPT.length - 1);
    });

    it.each(STRATEGIES)(
      'ends after the step it is in, with all that was emitted: $strategy',
      async (options) => {
        for (const after of [1, 2, 3]) {
          const controller = new AbortController();
          let count = 0;
          const { steps, finish, prefix, pair } = await run(options, {
            signal: controller.signal,
            maxTokens: 40,
            endsWith: neverEnds,
            onStep: () => {
              if (++count === after) controller.abort();
            },
          });
          expect(finish).toBe('interrupted');
          expect(steps).toHaveLength(after);
          expect(prefix).toEqual([...PROMPT, ...emittedOf(steps)]);
          expect(knownTexts(pair.cache.target, prefix)).toContainEqual(prefix.slice(0, -1));
        }
      },
    );
  });

  describe('at a stop string', () => {
    /** Stops at the n-th token of the text. */
    const stopsAt = (n: number) => {
      let count = 0;
      return () => (++count === n ? ('stop' as const) : undefined);
    };

    it('cuts an accepted block there, before it counts', async () => {
      for (const n of [1, 2, 3, 4]) {
        const settings = { alter: accepting(3), endsWith: stopsAt(n), draftModel: TARGET };
        const { steps, finish, prefix, pair } = await run(SPECULATIVE, { ...settings, sampling: GREEDY });
        expect(finish).toBe('stop');
        expect(steps).toHaveLength(1);
        expect(steps[0]!.draft).toHaveLength(3);
        expect(steps[0]!.accepted).toBe(Math.min(3, n));
        expect(steps[0]!.emitted).toHaveLength(n);
        expect(prefix).toHaveLength(PROMPT.length + n);
        expect(knownTexts(pair.cache.target, prefix)).toEqual([prefix.slice(0, -1)]);
      }
    });

    it('cuts the raw log-probabilities too', async () => {
      const settings = { alter: accepting(3), endsWith: stopsAt(2), rawLogProbs: true };
      const { steps } = await run(SPECULATIVE, settings);
      expect(steps[0]!.rawLogProbs).toHaveLength(steps[0]!.emitted.length);
    });

    it('ends as a text whose last token is that one, however long the blocks', async () => {
      const texts = await Promise.all(
        [AUTOREGRESSIVE, SPECULATIVE].map((options) =>
          run(options, { sampling: GREEDY, endsWith: stopsAt(7) }),
        ),
      );
      expect(texts.map(({ finish }) => finish)).toEqual(['stop', 'stop']);
      expect(texts[0]!.emitted).toHaveLength(7);
      expect(texts[1]!.emitted).toEqual(texts[0]!.emitted);
    });
  });

  describe('at an end token in an accepted block', () => {
    const sure: FakeModel = (last) => Float64Array.from({ length: 6 }, (_, i) => (i === last + 1 ? 50 : 0));

    it('emits nothing after it, though the rule has a next token', async () => {
      const settings = { prompt: [0, 2], targetModel: sure, draftModel: sure, sampling: GREEDY };
      for (const options of STRATEGIES) {
        const { emitted, finish } = await run(options, settings);
        expect([emitted, finish]).toEqual([[3, 4, END], 'eos']);
      }
    });

    it('goes on where the end token is to be ignored', async () => {
      const settings = { prompt: [0, 2], targetModel: sure, draftModel: sure, sampling: GREEDY };
      const { emitted, finish } = await run(SPECULATIVE, { ...settings, endsWith: neverEnds, maxTokens: 5 });
      expect(emitted.slice(0, 3)).toEqual([3, 4, END]);
      expect([emitted.length, finish]).toEqual([5, 'length']);
    });
  });
});
