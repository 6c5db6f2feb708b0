import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/decoding/loop.js';
import type { Strategy } from '../../src/decoding/strategy.js';
import { type DraftLength, fixedLength } from '../../src/drafting/length.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import { GrammarConstraint } from '../../src/text/grammar-constraint.js';
import { AdaptiveLength } from '../../src/tuning/adaptive-length.js';
import { MOST_GUESSES } from '../../src/tuning/step-costs.js';
import type { Draft } from '../../src/types.js';
import { DOES_NOT_FIT, FITS, misfit } from '../support/chi-square.js';
import { corpusOf, judgingEvenly } from '../support/corpus-of.js';
import { fakeGrammar } from '../support/fake-grammar.js';
import { TARGET, textsAfter, UNCUT } from '../support/fake-model.js';
import { neverEnds, PROMPT, type RunOptions, run } from '../support/fake-run.js';
import { openings } from './lossless.js';

/** Somebody's notes, written by the target. */
const { prefix: NOTES } = await run({ strategy: 'autoregressive' }, { maxTokens: 40, endsWith: neverEnds });
const CORPUS = corpusOf(NOTES);
const AGAIN = [...PROMPT, ...PROMPT];
const CUT = { temperature: 0.8, topK: 4, topP: 0.95 };
const CHAIN = { draftLength: 3, draftFrom: 'model' } as const;
const BEAMS = { ...CHAIN, beamWidth: 3, threshold: 0.3 };

/** Lets the first source guess that has as few tokens of the text's end as this. */
const wherever = (draftLength: number): DraftLength => ({
  ...fixedLength(draftLength),
  inPlaceOfDraft: (matched) => {
    const source = matched.findIndex((tokens) => tokens >= 3);
    return source === -1 ? undefined : { source, guesses: draftLength };
  },
});

const guessedBy = ({ draft }: Step) => draft[0]?.from;

describe('a lossless strategy with a source in front of the draft model', () => {
  /** The openings of its texts, and how many steps were whose. */
  async function written(options: StrategyOptions, settings: RunOptions) {
    const steps: Record<string, number> = {};
    const onStep: RunOptions['onStep'] = (step, ...rest) => {
      const name = guessedBy(step) ?? 'none';
      steps[name] = (steps[name] ?? 0) + 1;
      settings.onStep?.(step, ...rest);
    };
    const texts = await openings(options, { corpus: CORPUS, prompt: AGAIN, ...settings, onStep });
    return { texts, steps };
  }

  it.each([
    ['speculative', 'corpus', UNCUT],
    ['block', 'corpus+lookup', CUT],
  ] as const)(
    'writes with the probabilities of the target, whoever guesses: %s, %s',
    async (strategy, draftFirst, sampling) => {
      const options = { strategy, ...CHAIN, draftFirst } as const;
      const { texts, steps } = await written(options, { sampling, length: wherever(3) });
      for (const name of ['corpus', 'model']) expect(steps[name]).toBeGreaterThan(10); // one of them in the end seldom, where the other is worth more
      expect(misfit(texts, textsAfter(TARGET, AGAIN, 3, sampling))).toBeLessThan(FITS);
    },
  );

  it('writes with the probabilities of the target while it learns what pays', async () => {
    const costs = {
      target: [
        { rows: 1, ms: 10 },
        { rows: 17, ms: 12 },
      ],
      draft: [{ rows: 1, ms: 2 }],
    };
    const length = new AdaptiveLength(costs, { beamWidth: 1, isTold: true, threshold: 1, freeSources: 1 });
    const options = { strategy: 'block', ...CHAIN, draftLength: MOST_GUESSES, draftFirst: 'corpus' } as const;
    const { texts, steps } = await written(options, { length, onStep: (step) => length.learn(step) });
    for (const name of ['corpus', 'model']) expect(steps[name]).toBeGreaterThan(10); // one of them in the end seldom, where the other is worth more
    expect(misfit(texts, textsAfter(TARGET, AGAIN, 3, UNCUT))).toBeLessThan(FITS);
  });

  it('asks the draft model where a grammar forbids all that the source has', async () => {
    const prompt = [0, 0, 0, 0];
    const constraint = new GrammarConstraint(fakeGrammar(), prompt.length); // its first token is not 0
    const sampling = { ...UNCUT, constraint };
    const settings = { prompt, corpus: corpusOf(prompt), sampling, length: wherever(3), maxTokens: 1 };
    const { steps } = await run({ strategy: 'block', ...CHAIN, draftFirst: 'corpus' }, settings);
    expect(guessedBy(steps[0]!)).toBe('model');
  });

  it('would be found out if its guesses were judged by another q than they are drawn from', async () => {
    const alter = (right: Strategy): Strategy => {
      const even = judgingEvenly(right);
      const judge = (draft: Draft) => (draft[0]?.from === 'corpus' ? even : right);
      return { ...right, accept: (draft, p, rng) => judge(draft).accept(draft, p, rng) };
    };
    const options = { strategy: 'speculative', ...CHAIN, draftFirst: 'corpus' } as const;
    const { texts } = await written(options, { alter, length: wherever(2) });
    expect(misfit(texts, textsAfter(TARGET, AGAIN, 3, UNCUT))).toBeGreaterThan(DOES_NOT_FIT);
  });

  it('writes at temperature 0 exactly what the target alone writes', async () => {
    const settings = { sampling: { ...UNCUT, temperature: 0 }, maxTokens: 40, endsWith: neverEnds };
    const options = { strategy: 'speculative', ...CHAIN, draftFirst: 'corpus+lookup' } as const;
    for (const prompt of [AGAIN, [2, 4], [5, 0, 1]]) {
      const alone = await run({ strategy: 'autoregressive' }, { ...settings, prompt });
      const { emitted, steps } = await run(options, {
        ...settings,
        prompt,
        corpus: CORPUS,
        length: wherever(3),
      });
      expect(emitted).toEqual(alone.emitted);
      expect(steps.some((step) => guessedBy(step) === 'corpus')).toBe(true);
    }
  });
});

describe.each([
  { strategy: 'speculative', ...CHAIN },
  { strategy: 'block', ...CHAIN },
  { strategy: 'mtad', ...BEAMS, clip: false },
  { strategy: 'mmtad', ...BEAMS },
] as const)('$strategy', (options) => {
  it('asks the draft model only where no source repeats a long passage', async () => {
    const text = (await run({ strategy: 'autoregressive' }, { maxTokens: 40, endsWith: neverEnds })).prefix;
    const settings = {
      prompt: text.slice(0, 30),
      corpus: corpusOf(text),
      maxTokens: 20,
      endsWith: neverEnds,
    };
    const { whole, emitted } = await run({ ...options, draftFirst: 'corpus' }, settings);
    expect(emitted).toHaveLength(20);
    expect(guessedBy(whole[0]!)).toBe('corpus'); // which has the end of the prompt
    for (const step of whole) {
      expect(step.draftPasses > 0).toBe(guessedBy(step) === 'model');
      expect(step.drafted).toBeLessThanOrEqual(3);
    }
    expect(new Set(whole.map(guessedBy))).toContain('model');
  });
});
