import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/decoding/loop.js';
import type { Strategy } from '../../src/decoding/strategy.js';
import { likeliestLeaf, pathTo } from '../../src/math/draft-tree.js';
import { acceptJoint } from '../../src/rules/joint.js';
import { acceptJointTree } from '../../src/rules/joint-tree.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import { AdaptiveLength } from '../../src/tuning/adaptive-length.js';
import { MOST_GUESSES } from '../../src/tuning/step-costs.js';
import { type Draft, ROOT } from '../../src/types.js';
import { DOES_NOT_FIT, FITS, misfit } from '../support/chi-square.js';
import { corpusOf, judgingEvenly } from '../support/corpus-of.js';
import { END, TARGET, textsAfter, UNCUT } from '../support/fake-model.js';
import { neverEnds, PROMPT, type RunOptions, run } from '../support/fake-run.js';
import { openings } from './lossless.js';

/** Somebody's notes, written by the target. */
const { prefix: NOTES } = await run(
  { strategy: 'autoregressive' },
  { maxTokens: 240, capacity: 300, endsWith: neverEnds },
);
const CORPUS = corpusOf(NOTES);
/** Words that come again, so that a lookup finds something. */
const AGAIN = [...PROMPT, ...PROMPT];
const CUT = { temperature: 0.8, topK: 4, topP: 0.95 };
const TAILS = ['corpus', 'lookup'] as const;
const CHAIN = { draftLength: 4, draftFrom: 'model' } as const;
const BEAMS = { ...CHAIN, beamWidth: 3, threshold: 0.3 };

const tailOf = ({ draft }: Step) => draft.filter(({ isTail }) => isTail);

describe('a lossless strategy with a tail behind the draft model', () => {
  /** The openings of its texts, and how many guesses of a tail there were. */
  async function written(options: StrategyOptions, settings: RunOptions) {
    let guesses = 0;
    const onStep: RunOptions['onStep'] = (step, ...rest) => {
      guesses += tailOf(step).length;
      settings.onStep?.(step, ...rest);
    };
    const texts = await openings(options, { corpus: CORPUS, prompt: AGAIN, ...settings, onStep });
    return { texts, share: guesses / texts.length };
  }

  it.each([
    ['speculative', 'corpus', UNCUT],
    ['block', 'lookup', CUT],
  ] as const)(
    'writes with the probabilities of the target: %s, %s',
    async (strategy, draftTail, sampling) => {
      const { texts, share } = await written({ strategy, ...CHAIN, draftTail }, { sampling });
      expect(share).toBeGreaterThan(0.1);
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
    const guesser = { beamWidth: 1, isTold: true, threshold: 1, tail: { isTold: true } };
    const length = new AdaptiveLength(costs, guesser);
    const options = { strategy: 'block', ...CHAIN, draftLength: MOST_GUESSES, draftTail: 'corpus' } as const;
    const { texts, share } = await written(options, { length, onStep: (step) => length.learn(step) });
    expect(share).toBeGreaterThan(0.1);
    expect(misfit(texts, textsAfter(TARGET, AGAIN, 3, UNCUT))).toBeLessThan(FITS);
  });

  it('would be found out if the tail were judged by another q than it is drawn from', async () => {
    const alter = (right: Strategy): Strategy => {
      const even = judgingEvenly(right);
      const judge = (draft: Draft) => (draft.some(({ isTail }) => isTail) ? even : right);
      return { ...right, accept: (draft, p, rng) => judge(draft).accept(draft, p, rng) };
    };
    const options = { strategy: 'speculative', ...CHAIN, draftLength: 2, draftTail: 'corpus' } as const;
    const { texts } = await written(options, { alter });
    expect(misfit(texts, textsAfter(TARGET, AGAIN, 3, UNCUT))).toBeGreaterThan(DOES_NOT_FIT);
  });
});

describe.each([
  { strategy: 'speculative', ...CHAIN },
  { strategy: 'block', ...CHAIN },
  { strategy: 'mtad', ...BEAMS, clip: false },
  { strategy: 'mmtad', ...BEAMS },
] as const)('$strategy', (options) => {
  it('tosses at temperature 0 no coin that matters', async () => {
    const settings = {
      sampling: { ...UNCUT, temperature: 0 },
      corpus: CORPUS,
      maxTokens: 40,
      endsWith: neverEnds,
    };
    const texts = await Promise.all(
      [0, 0.5, 1 - 2 ** -53].map((coin) =>
        run({ ...options, draftTail: 'corpus' }, { ...settings, rng: () => coin }),
      ),
    );
    expect(texts[0]!.steps.some((step) => tailOf(step).length > 0)).toBe(true);
    expect(new Set(texts.map(({ emitted }) => emitted.join(' '))).size).toBe(1);
  });

  it.each(TAILS)(
    'goes on from %s behind half of its draft, without a pass, and no further than the draft length',
    async (draftTail) => {
      const { whole, emitted } = await run(
        { ...options, draftTail },
        { corpus: CORPUS, maxTokens: 50, endsWith: neverEnds },
      );
      expect(emitted).toHaveLength(50);
      for (const { drafted, draftPasses, draft } of whole) {
        expect(draftPasses).toBeLessThanOrEqual(2);
        expect(drafted).toBeLessThanOrEqual(4);
        expect(draft.slice(0, -1).some(({ token, isTail }) => isTail && token === END)).toBe(false);
      }
      expect(whole.some((step) => step.accepted > 2 && tailOf(step).length > 0)).toBe(true);
    },
  );
});

describe('mmtad with a tail', () => {
  const TAU = BEAMS.threshold;
  const stepsWith = async (draftTail: (typeof TAILS)[number]) => {
    const options = { strategy: 'mmtad', ...BEAMS, draftTail } as const;
    const texts = { corpus: CORPUS, maxTokens: 200, capacity: 300, prompt: AGAIN, endsWith: neverEnds };
    const { whole } = await run(options, texts);
    const steps = whole.filter((step) => tailOf(step).length > 0);
    expect(steps.length).toBeGreaterThan(5);
    return steps.map((step) => {
      const head = step.draft.filter(({ isTail }) => !isTail);
      return { ...step, head, headPath: pathTo(head, likeliestLeaf(head)) };
    });
  };

  it.each(TAILS)('keeps as much as mtad does of its likeliest beam and the tail: %s', async (draftTail) => {
    for (const { draft, p, head, headPath, path } of await stepsWith(draftTail)) {
      const beam = [...headPath, ...[...draft.keys()].slice(head.length)];
      const chain = beam.map((node, i) => ({ ...draft[node]!, parent: i - 1 }));
      const judges = [ROOT, ...beam].map((node) => p[node + 1]!);
      const alone = acceptJoint(chain, judges, { tau: TAU, clip: false });
      expect(path.length).toBeGreaterThanOrEqual(alone);
    }
  });

  it.each(TAILS)('accepts of the guesses before it what it would without the tail: %s', async (draftTail) => {
    for (const { p, head, path } of await stepsWith(draftTail)) {
      const isTailKept = path.some((node) => node >= head.length);
      if (!isTailKept) expect(path).toEqual(acceptJointTree(head, p.slice(0, head.length + 1), { tau: TAU }));
    }
  });
});
