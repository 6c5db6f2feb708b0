import { describe, expect, it } from 'vitest';
import { pathTo } from '../../src/math/draft-tree.js';
import { createRng } from '../../src/math/rng.js';
import {
  likelihoodTruncation,
  type SamplingSettings,
  samplingTruncation,
} from '../../src/math/sampling-settings.js';
import { acceptJoint } from '../../src/rules/joint.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import { GrammarConstraint } from '../../src/text/grammar-constraint.js';
import { FITS, misfit } from '../support/chi-square.js';
import { fakeGrammar, obeys } from '../support/fake-grammar.js';
import { DRAFT, distributionAfter, END, isEnd, TARGET, textsAfter, UNCUT } from '../support/fake-model.js';
import { PROMPT, type Run, type RunOptions, run } from '../support/fake-run.js';
import { TEXTS } from './lossless.js';

const CHAIN = { draftLength: 3, draftFrom: 'model' } as const;
const BEAMS = { draftLength: 3, beamWidth: 3 } as const;
const MTAD = { strategy: 'mtad', ...BEAMS, threshold: 0.5, clip: false, draftFrom: 'model' } as const;
const STRATEGIES: StrategyOptions[] = [
  { strategy: 'autoregressive' },
  { strategy: 'speculative', ...CHAIN },
  { strategy: 'speculative', ...CHAIN, draftFrom: 'lookup' },
  { strategy: 'block', ...CHAIN },
  MTAD,
  { ...MTAD, draftFrom: 'lookup' },
  { strategy: 'mmtad', draftFrom: 'model', ...BEAMS, threshold: 0.5 },
  { strategy: 'mtjd', ...BEAMS },
];
const GUESSING = STRATEGIES.filter((options) => 'draftFrom' in options && options.draftFrom === 'model');

const SAMPLINGS: SamplingSettings[] = [
  UNCUT,
  { temperature: 0.8, topK: 2, topP: 0.9 },
  { ...UNCUT, topK: 3, penalties: { repeat: 1.3, presence: 0.4, frequency: 0.2, last: 4 } },
  { temperature: 0, topK: 0, topP: 1 },
];

function constrained(
  options: StrategyOptions,
  sampling: SamplingSettings,
  rest: RunOptions = {},
): Promise<Run> {
  const constraint = new GrammarConstraint(fakeGrammar(), PROMPT.length);
  return run(options, { sampling: { ...sampling, constraint }, ...rest });
}

const runs = (options: StrategyOptions, sampling: SamplingSettings, rest: RunOptions = {}) =>
  Promise.all(
    Array.from({ length: 24 }, (_, seed) =>
      constrained(options, sampling, { rng: createRng(seed), ...rest }),
    ),
  );

describe.each(STRATEGIES)('a constrained $strategy', (options) => {
  const guesses = 'draftFrom' in options && options.draftFrom === 'model';

  it('writes nothing but what the grammar allows', async () => {
    let ended = 0;
    for (const sampling of SAMPLINGS)
      for (const { emitted, finish } of await runs(options, sampling)) {
        expect(obeys(emitted)).toBe(true);
        if (finish === 'eos') ended++;
      }
    expect(ended).toBeGreaterThan(0);
  });

  it('judges by the distributions of both models under the same mask', async () => {
    const compared =
      'threshold' in options || options.strategy === 'mtjd' ? likelihoodTruncation : samplingTruncation;
    const guesser = options.strategy === 'mtjd' ? TARGET : DRAFT;
    for (const sampling of SAMPLINGS)
      for (const { steps, emitted } of await runs(options, sampling))
        for (const { position, draft, p } of steps)
          for (const [i, { token, parent, q }] of draft.entries()) {
            const text = [
              ...emitted.slice(0, position - PROMPT.length),
              ...pathTo(draft, parent).map((node) => draft[node]!.token),
            ];
            if (!obeys(text) || text.includes(END)) continue; // a lookup may guess what cannot be
            const mask = fakeGrammar(text);
            const expected = (model: typeof TARGET) =>
              distributionAfter(model, [...PROMPT, ...text], compared(sampling), mask);
            expect(p[parent + 1]).toEqual(expected(TARGET));
            if (!guesses && options.strategy !== 'mtjd') continue;
            expect(q, `node ${i}`).toEqual(expected(guesser));
            expect(mask.allows(token)).toBe(true);
          }
  });
});

describe.each(GUESSING)('a constrained $strategy with a draft model', (options) => {
  it('accepts every guess of a draft model that is the target', async () => {
    for (const sampling of SAMPLINGS)
      for (const { steps } of await runs(options, sampling, { draftModel: TARGET }))
        for (const { drafted, accepted, draft, emitted } of steps) {
          const end = emitted.findIndex(isEnd);
          expect(accepted).toBe(end === -1 ? drafted : Math.min(drafted, end + 1));
          expect(draft.length).toBeGreaterThanOrEqual(accepted);
        }
  });
});

describe.each(['speculative', 'block'] as const)('constrained %s', (strategy) => {
  it.each([
    { draftLength: 3, sampling: UNCUT },
    { draftLength: 4, sampling: { temperature: 0.8, topK: 3, topP: 0.95 } },
  ])(
    'writes with the probabilities of the constrained target: gamma $draftLength, top-k $sampling.topK',
    async ({ draftLength, sampling }) => {
      const rng = createRng(1);
      const texts: string[] = [];
      for (let i = 0; i < TEXTS; i++) {
        const { emitted } = await constrained({ strategy, ...CHAIN, draftLength }, sampling, {
          maxTokens: 5,
          rng,
        });
        texts.push(emitted.slice(0, 3).join(' '));
      }
      const law = textsAfter(TARGET, PROMPT, 3, sampling, fakeGrammar());
      expect(misfit(texts, law)).toBeLessThan(FITS);
      expect(misfit(texts, textsAfter(TARGET, PROMPT, 3, sampling))).toBeGreaterThan(FITS); // the grammar matters
    },
  );
});

it('accepts as the rule of mtad says of the masked likelihoods', async () => {
  let accepted = 0;
  for (const { steps } of await runs(MTAD, UNCUT))
    for (const step of steps) {
      const expected = acceptJoint(step.draft, step.p, { tau: 0.5, clip: false });
      const end = step.emitted.findIndex(isEnd);
      expect(step.accepted).toBe(end === -1 ? expected : Math.min(expected, end + 1));
      accepted += step.accepted;
    }
  expect(accepted).toBeGreaterThan(0);
});
