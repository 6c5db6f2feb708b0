import { describe, expect, it } from 'vitest';
import { STAIRCASE } from '../../scripts/staircase.js';
import { type Corpus, LONGEST_ENDING } from '../../src/drafting/corpus.js';
import { createRng } from '../../src/math/rng.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import { AdaptiveLength } from '../../src/tuning/adaptive-length.js';
import { type CostCurve, type CostCurves, passMs } from '../../src/tuning/cost-curves.js';
import { faded, prior } from '../../src/tuning/learned.js';
import { MOST_GUESSES } from '../../src/tuning/step-costs.js';
import { observed, survivalOf } from '../../src/tuning/survival.js';
import { corpusOf } from '../support/corpus-of.js';
import { DRAFT, type FakeModel, TARGET, UNCUT } from '../support/fake-model.js';
import { neverEnds, run } from '../support/fake-run.js';
import { fakeStep } from '../support/fake-step.js';
import { firstOf, tries } from '../support/tries.js';

/** A straight line. */
const line = (first: number, eachMore: number): CostCurve => [
  { rows: 1, ms: first },
  { rows: 17, ms: first + 16 * eachMore },
];
const FLAT: CostCurves = { target: line(10, 0.1), draft: line(0.5, 0.02) };
const STEEP: CostCurves = { target: line(10, 6), draft: line(2, 0.2) };
/** As of 8-bit weights on a processor: nearly all that a draft costs is the cost of its first tokens. */
const DEEP: CostCurves = {
  target: [1, 5, 9, 17].map((rows, i) => ({ rows, ms: [10, 30, 34, 42][i]! })),
  draft: line(0.2, 0),
};
/** The same in detail, as measured. */
const STAIRS: CostCurves = { target: STAIRCASE, draft: line(0.5, 0) };
const BEAMS = 4;
const TAU = 0.5;
/** Fixed lengths that one which adapts is held against. */
const LENGTHS = tries([1, 2, 4, 8], [1, 2, 3, 4, 6, 8, 12]);
const MTADS = { beamWidth: BEAMS, isTold: true, threshold: TAU };
const MTAD = { strategy: 'mtad', beamWidth: BEAMS, threshold: TAU, clip: false, draftFrom: 'model' } as const;

/** The negated target: what it finds likely never passes. */
const NEVER_RIGHT: FakeModel = (last, before) => TARGET(last, before).map((logit) => -8 * logit);

/** What a model would write. */
async function corpusBy(targetModel: FakeModel): Promise<Corpus> {
  const settings = { targetModel, sampling: UNCUT, maxTokens: 2000, capacity: 2100, endsWith: neverEnds };
  return corpusOf((await run({ strategy: 'autoregressive' }, settings)).emitted);
}

interface Outcome {
  /** Tokens per step, drafted in a row. */
  readonly drafted: number;
  /** Times as fast as one token per pass, by the curves. */
  readonly speedUp: number;
}

interface Trial {
  readonly draftLength?: number | 'auto';
  readonly draftModel?: FakeModel;
  readonly strategy?: 'mtad' | 'speculative';
  readonly draftFrom?: 'model' | 'lookup';
  readonly temperature?: number;
  /** Goes on behind the draft. */
  readonly tail?: Corpus | undefined;
  readonly texts?: number;
  readonly maxTokens?: number;
  /** Whether a text is as sure as the one before of what that has learned. */
  readonly isOneKind?: boolean;
}

/** Texts one after the other, as a session writes them. */
async function outcome(
  costs: CostCurves,
  {
    draftLength = 'auto',
    draftModel = DRAFT,
    strategy = 'mtad',
    draftFrom = 'model',
    temperature = 1,
    tail,
    texts = 6,
    maxTokens = 128,
    isOneKind = true,
  }: Trial = {},
): Promise<Outcome> {
  const beamWidth = strategy === 'mtad' && draftFrom === 'model' ? BEAMS : 1;
  const isTold = draftFrom === 'model' && (strategy === 'mtad' || temperature > 0);
  const guesser = { beamWidth, isTold, threshold: strategy === 'mtad' ? TAU : 1, tail: tail && { isTold } };
  const rng = createRng(1);
  let learned = prior(guesser.threshold);
  let [ms, tokens, drafted, steps] = [0, 0, 0, 0];
  for (let text = 0; text < texts; text++) {
    const adaptive = new AdaptiveLength(costs, guesser, learned);
    const most = draftLength === 'auto' ? MOST_GUESSES : draftLength;
    const draftTail = tail ? 'corpus' : 'none';
    const options = { ...MTAD, strategy, draftFrom, draftTail, draftLength: most } as StrategyOptions;
    await run(options, {
      rng,
      draftModel,
      corpus: tail,
      prompt: [text % 5, 3, 1],
      sampling: { ...UNCUT, temperature },
      length: draftLength === 'auto' ? adaptive : undefined,
      maxTokens,
      capacity: 200,
      endsWith: neverEnds,
      onStep: (step) => {
        adaptive.learn(step);
        const [first, others] = [Math.min(1, step.draftPasses), Math.max(0, step.draftPasses - 1)];
        ms += passMs(costs.target, step.draft.length + 1);
        if (costs.draft) ms += first * passMs(costs.draft, 2) + others * passMs(costs.draft, beamWidth);
        tokens += step.emitted.length;
        drafted += step.drafted;
        steps += 1;
      },
    });
    learned = isOneKind ? adaptive.learned : faded(adaptive.learned);
  }
  return { drafted: drafted / steps, speedUp: (tokens * passMs(costs.target, 1)) / ms };
}

describe('AdaptiveLength', () => {
  it.each([
    ['flat', FLAT, 6],
    ['steep', STEEP, 6],
    ['a staircase', STAIRS, 24], // lucky texts move it by a twentieth in six
  ])('is nearly as fast as the best fixed length where the cost curve is %s', async (_, costs, texts) => {
    const fixed = await Promise.all(LENGTHS.map((draftLength) => outcome(costs, { draftLength, texts })));
    const best = Math.max(1, ...fixed.map(({ speedUp }) => speedUp));
    expect((await outcome(costs, { texts })).speedUp).toBeGreaterThan(0.95 * best);
  });

  it.each([
    { strategy: 'speculative' },
    { strategy: 'speculative', temperature: 0 },
    { strategy: 'mtad', temperature: 0 },
    { strategy: 'speculative', draftFrom: 'lookup', temperature: 0 },
    { strategy: 'mtad', draftFrom: 'lookup' },
  ] as const)(
    'is nearly as fast as the best fixed length where rows cost little, and never slow, with %j',
    async (trial) => {
      const [flat, steep] = [FLAT, STEEP].map(({ target, draft }) => {
        return { target, draft: 'draftFrom' in trial ? undefined : draft };
      }) as [CostCurves, CostCurves];
      const fixed = await Promise.all(LENGTHS.map((draftLength) => outcome(flat, { ...trial, draftLength })));
      const best = Math.max(1, ...fixed.map(({ speedUp }) => speedUp));
      expect((await outcome(flat, trial)).speedUp).toBeGreaterThan(0.9 * best);
      expect((await outcome(steep, trial)).speedUp).toBeGreaterThan(0.97);
    },
  );

  it('drafts more where rows cost little', async () => {
    expect((await outcome(FLAT)).drafted).toBeGreaterThan(1.5 * (await outcome(STEEP)).drafted);
  });

  it.each([
    ['flat', FLAT],
    ['steep', STEEP],
  ])(
    'loses at most 3 % to a draft model that is never right, where the cost curve is %s',
    async (_, costs) => {
      const { speedUp } = await outcome(costs, { draftModel: NEVER_RIGHT });
      expect(speedUp).toBeGreaterThan(0.97);
      expect((await outcome(costs, { draftModel: NEVER_RIGHT, draftLength: 4 })).speedUp).toBeLessThan(0.96);
    },
  );

  it('is deep from the first step on where the texts before have shown that only deep drafts pay', () => {
    const poor = new AdaptiveLength(DEEP, MTADS, { ...prior(TAU), purse: 2 }).begin(16, false);
    expect(poor).toBeLessThan(4); // the purse pays for no more
    let learned = prior(TAU);
    for (let step = 0; step < 40; step++) {
      const { survival } = learned;
      learned = { ...learned, survival: observed(survival, -(step % 8) / 4, step % 10 > 0), purse: 6 };
    }
    expect(new AdaptiveLength(DEEP, MTADS, faded(learned)).begin(16, false)).toBeGreaterThan(8);
  });

  it('reaches over rows that cost more than a larger number of them', () => {
    const most = (purse: number) =>
      new AdaptiveLength(STAIRS, MTADS, { ...prior(TAU), purse }).begin(16, false);
    expect([2, 2.6].map(most)).toEqual([3, 7]); // 7 rows cost 94 ms, 8 rows 74
  });

  it('lets each text lose less to a draft that is never right than the first one did', async () => {
    const trial = { draftModel: NEVER_RIGHT, maxTokens: 64, isOneKind: false };
    const lost = ({ speedUp }: Outcome) => 1 / speedUp - 1;
    const first = lost(await outcome(FLAT, { ...trial, texts: 1 }));
    const all = lost(await outcome(FLAT, { ...trial, texts: 12 }));
    expect(all).toBeLessThan(0.5 * first);
  });

  it('does not draft with a model that is as slow as the target', async () => {
    const { drafted, speedUp } = await outcome({ target: line(10, 0.5), draft: line(10, 0.5) });
    expect(drafted).toBeLessThan(0.2);
    expect(speedUp).toBeGreaterThan(0.97);
  });

  it('does not even try where guessing would not pay if every guess were right', async () => {
    const { drafted, speedUp } = await outcome({ target: line(1, 0.7), draft: line(0.4, 0.05) });
    expect(drafted).toBe(0);
    expect(speedUp).toBe(1);
  });

  it.each([0.02, 0.1, 0.2])(
    'tries a draft model again after a long time that was never right, and reads a token in %s ms',
    (each) => {
      let { survival, usualDrop } = prior(TAU);
      for (let i = 0; i < 1000; i++) survival = observed(survival, -(i % 100) / 50, false);
      const costs = { target: FLAT.target, draft: line(0.5, each) };
      const length = new AdaptiveLength(costs, MTADS, { threshold: TAU, survival, usualDrop });
      let plain = 0;
      while (plain < 20_000 && length.begin(16, false) === 0) {
        length.learn(fakeStep(0, { draft: 0, verify: 10, own: 0 }));
        plain++;
      }
      expect(plain).toBeGreaterThan(50);
      expect(plain).toBeLessThan(20_000);
    },
  );

  it.each(firstOf(1, ['mtad', 'speculative'] as const))(
    'is much faster with a corpus behind the costly draft of %s, and not slower with one that is never right',
    async (strategy) => {
      const costs = { target: FLAT.target, draft: line(2.5, 0.1) };
      const [right, wrong, alone] = await Promise.all(
        [TARGET, NEVER_RIGHT, undefined].map(async (model) =>
          outcome(costs, { strategy, tail: model && (await corpusBy(model)), texts: 24 }),
        ),
      );
      expect(right!.speedUp).toBeGreaterThan(1.15 * alone!.speedUp);
      expect(wrong!.speedUp).toBeGreaterThan(0.97 * alone!.speedUp);
      expect(right!.drafted).toBeGreaterThan(alone!.drafted);
    },
  );

  it('writes the same text each time: it asks no clock', async () => {
    const write = async () => {
      const length = new AdaptiveLength(STEEP, MTADS);
      const onStep = (step: Parameters<AdaptiveLength['learn']>[0]) => length.learn(step);
      const settings = {
        rng: createRng(7),
        length,
        onStep,
        maxTokens: 60,
        endsWith: neverEnds,
        capacity: 99,
      };
      return (await run({ ...MTAD, draftLength: MOST_GUESSES }, settings)).emitted;
    };
    expect(await write()).toEqual(await write());
  });

  describe('where fewer guesses are judged than passes were made', () => {
    const covariance = { aa: 0, ab: 0, bb: 0 };
    const sure = { a: 20, b: 0, covariance };
    const learned = {
      threshold: TAU,
      survival: { a: 20, b: -8, covariance },
      usualDrop: 0.01,
      purse: 2,
      tail: { survival: sure, worth: 0 },
    };
    const guesser = { ...MTADS, tail: { isTold: true } };

    it('counts all the passes as spent', () => {
      const target = [1, 2, 3, 4, 17].map((rows) => ({ rows, ms: rows < 4 ? 10 : 18.5 }));
      const length = new AdaptiveLength({ target, draft: line(6, 0) }, guesser, learned);
      const beside = { depth: 1, logQ: -0.01, likeliestLogQ: -25 };
      const buys = () => [length.goesOnWithoutPass([-0.1], [-0.1], 3), length.judgesBeside([beside], 3)];
      length.begin(1, false);
      expect(buys()).toEqual([true, true]);
      length.begin(16, false);
      expect(length.goesOn([-0.1], false)).toBe(true); // a second pass, 6 ms
      expect(buys()).toEqual([false, false]); // 18.5 + 12 - 10 ms, and the purse has 20
    });

    it('knows that the draft model has not read what a tail brought', () => {
      const readsThree = [1, 2, 3, 4, 17].map((rows) => ({ rows, ms: rows < 4 ? 1 : 1000 }));
      const q = fakeStep(1, { draft: 0, verify: 0, own: 0 }).draft[0]!.q;
      const goesOnBehind = (head: number) => {
        const length = new AdaptiveLength(
          { target: line(10, 0.1), draft: readsThree },
          { ...guesser, beamWidth: 1 },
          learned,
        );
        const draft = [0, 1, 2, 3].map((i) => ({ token: 0, parent: i - 1, q, isTail: i >= head }));
        const step = fakeStep(4, { draft: 4, verify: 10, own: 0 });
        length.learn({ ...step, draft, accepted: 4, path: [0, 1, 2, 3], emitted: [0, 0, 0, 0, 0] });
        return length.begin(16, false) > 0;
      };
      expect(goesOnBehind(4)).toBe(true); // the last guess and the target's own token are to be read
      expect(goesOnBehind(1)).toBe(false); // three of the tail, and the target's own
    });
  });

  it.each(['draft', 'tail', 'source in place of it'])(
    'does not take what a short text has no room for as refused guesses of a %s',
    (kind) => {
      const costs = { target: FLAT.target, draft: line(9, 1) };
      const guesser = { beamWidth: 1, isTold: false, threshold: 1 };
      const more = { tail: { tail: { isTold: false } }, 'source in place of it': { freeSources: 1 } }[kind];
      const isTail = (guess: number) => kind === 'tail' && guess > 0;
      let learned = prior(1);
      for (let text = 0; text < 60; text++) {
        const length = new AdaptiveLength(costs, { ...guesser, ...more }, faded(learned));
        for (let room = 20; room > 0; room -= 17) {
          length.inPlaceOfDraft([LONGEST_ENDING], 16);
          const step = fakeStep(16, { draft: 1, verify: 10, own: 0 });
          const draft = step.draft.map((node, i) => ({ ...node, isTail: isTail(i) }));
          const path = [...draft.keys()].slice(0, room); // all of them are right
          const emitted = Array.from({ length: Math.min(17, room) }, () => 0);
          length.learn({ ...step, draft, path, accepted: path.length, emitted });
        }
        learned = length.learned;
      }
      const { survival, tail, freeSources } = learned;
      const shown = tail?.survival ?? freeSources?.[0]?.repeated ?? survival;
      expect(survivalOf(shown, 15 * Math.log(0.7))).toBeGreaterThan(0.9);
    },
  );

  it('guesses no more than there is room for', () => {
    const length = new AdaptiveLength(FLAT, MTADS);
    for (const room of [0, 1, 3]) expect(length.begin(room, false)).toBeLessThanOrEqual(room);
  });

  it('judges nothing behind the end of the likeliest beam, and lets nothing go on where there is no tail', () => {
    const length = new AdaptiveLength(FLAT, MTADS);
    length.begin(16, false);
    const beside = { depth: 1, logQ: -0.01, likeliestLogQ: -3 };
    expect(length.judgesBeside([beside], 2)).toBe(true);
    expect(length.judgesBeside([{ ...beside, likeliestLogQ: -Infinity }], 2)).toBe(false);
    expect(length.goesOnWithoutPass([-0.1], [-0.1], 2)).toBe(false);
  });

  it('lets no source guess more than the purse pays for', () => {
    const guesser = { ...MTADS, freeSources: 1 };
    const sure = { a: 20, b: 0, covariance: { aa: 0, ab: 0, bb: 0 } };
    const learned = { ...prior(TAU), purse: 8, freeSources: [{ repeated: sure, other: sure }] };
    const guesses = (purse: number) =>
      new AdaptiveLength(STEEP, guesser, { ...learned, purse }).inPlaceOfDraft([LONGEST_ENDING], 16)?.guesses;
    expect(guesses(8)).toBe(13); // of 6 ms each, and the purse has 80
    expect(guesses(1)).toBe(1);
    expect(guesses(0.5)).toBeUndefined();
  });

  it('believes more of all guesses where the threshold has fallen, and as before where it has not moved', () => {
    const guesser = { ...MTADS, tail: { isTold: true }, freeSources: 1 };
    const length = new AdaptiveLength(FLAT, guesser);
    const before = length.learned;
    length.thresholdMoved(0);
    expect(length.learned).toEqual(before);
    length.thresholdMoved(-1);
    const { survival, tail, freeSources, threshold } = length.learned;
    expect(threshold).toBeCloseTo(TAU * Math.exp(-1), 12);
    for (const one of [survival, tail!.survival, freeSources![0]!.repeated, freeSources![0]!.other])
      expect(one.a).toBeGreaterThan(before.survival.a);
    const alone = new AdaptiveLength(FLAT, MTADS);
    alone.thresholdMoved(-1);
    expect(alone.learned.survival).toEqual(survival);
  });

  it('guesses less far with more beams, where each costs a pass its time', () => {
    const costs = { target: line(10, 0.5), draft: line(0.5, 1) };
    const length = new AdaptiveLength(costs, { ...MTADS, beamWidth: 1 });
    const few = length.begin(16, false);
    length.beamsChanged(12);
    expect(length.begin(16, false)).toBeLessThan(few);
  });
});
