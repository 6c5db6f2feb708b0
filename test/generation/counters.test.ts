import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/decoding/loop.js';
import { addCounters, addStep, NO_STEPS } from '../../src/generation/counters.js';
import type { DraftSource } from '../../src/types.js';
import { fakeChain, fakeDistribution } from '../support/fake-distribution.js';
import { neverEnds, run } from '../support/fake-run.js';

const Q = fakeDistribution(1);

function step(drafted: number, accepted: number, rest: Partial<Step> = {}): Step {
  const draft = fakeChain(...Array.from({ length: drafted }, () => [0, Q] as [number, typeof Q]));
  return {
    position: 1,
    draft,
    p: Array.from({ length: drafted + 1 }, () => Q),
    drafted,
    accepted,
    path: [...draft.keys()].slice(0, accepted),
    next: 0,
    emitted: new Array<number>(accepted + 1).fill(0),
    rawLogProbs: new Array<number>(accepted + 1).fill(-0.5),
    targetPasses: 1,
    draftPasses: drafted,
    ms: { draft: 3, verify: 2, wait: 4, own: 1 },
    ...rest,
  };
}

const sumOf = (...steps: Step[]) => steps.reduce(addStep, NO_STEPS);

describe('addStep', () => {
  it('tells the guesses of each source apart where there are several', () => {
    const of = (drafted: number, accepted: number, ...names: DraftSource[]) => {
      const one = step(drafted, accepted);
      return { ...one, draft: one.draft.map((node, i) => ({ ...node, from: names[i] })) };
    };
    const sum = sumOf(
      of(3, 2, 'model', 'model', 'corpus'),
      of(2, 2, 'corpus', 'corpus'),
      of(2, 0, 'model', 'model'),
    );
    expect(sum.bySource).toEqual({
      model: { steps: 2, drafted: 4, accepted: 2 },
      corpus: { steps: 2, drafted: 3, accepted: 2 },
    });
    expect(addCounters(sum, sum).bySource.corpus).toEqual({ steps: 4, drafted: 6, accepted: 4 });
  });

  it('adds up what the steps did', () => {
    expect(sumOf(step(3, 3), step(3, 1), step(1, 0))).toEqual({
      steps: 3,
      targetPasses: 3,
      draftPasses: 7,
      drafted: 7,
      accepted: 4,
      emitted: 7,
      draftedByPosition: [3, 2, 2],
      acceptedByPosition: [2, 1, 1],
      bySource: {},
      rawLogProbSum: -3.5,
      ms: { draft: 9, verify: 6, wait: 12, own: 3, decode: 30 },
    });
  });

  it('starts from nothing', () => {
    expect(NO_STEPS).toMatchObject({ steps: 0, drafted: 0, accepted: 0, emitted: 0, rawLogProbSum: 0 });
    expect(sumOf(step(0, 0))).toMatchObject({ draftedByPosition: [], acceptedByPosition: [], emitted: 1 });
  });

  it('counts 0 accepted at a position that was drafted and never accepted', () => {
    expect(sumOf(step(3, 1), step(2, 0)).acceptedByPosition).toEqual([1, 0, 0]);
  });

  it('counts at each position as many tokens as in all', async () => {
    const options = { strategy: 'speculative', draftLength: 4, draftFrom: 'model' } as const;
    const { steps, whole } = await run(options, { maxTokens: 40, endsWith: neverEnds });
    const sum = sumOf(...steps);
    const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
    expect(total(sum.draftedByPosition)).toBe(sum.drafted);
    expect(total(sum.acceptedByPosition)).toBe(sum.accepted);
    expect(sum.emitted).toBe(40);
    const uncut = sumOf(...whole);
    expect(uncut.emitted).toBe(uncut.accepted + uncut.steps); // one next token per step
    expect([...sum.acceptedByPosition]).toEqual([...sum.acceptedByPosition].sort((a, b) => b - a));
  });

  it('does not know the sum of log-probabilities where one step did not read them', () => {
    const sum = sumOf(step(1, 1), step(1, 1, { rawLogProbs: undefined }), step(1, 1));
    expect(sum.rawLogProbSum).toBeNaN();
  });

  it('leaves its first argument as it was', () => {
    const before = sumOf(step(2, 1));
    const copy = structuredClone(before);
    addStep(before, step(4, 4));
    expect(before).toEqual(copy);
  });
});
