import { describe, expect, it } from 'vitest';
import { LONGEST_ENDING } from '../../src/drafting/corpus.js';
import { FreeWorth } from '../../src/tuning/free-worth.js';
import type { FreeLearned } from '../../src/tuning/learned.js';
import { priorSurvival, type Survival } from '../../src/tuning/survival.js';

const always: Survival = { a: 20, b: 0, covariance: { aa: 0, ab: 0, bb: 0 } };
const never: Survival = { ...always, a: -20 };
const UNTOLD = Math.log(0.7);
const sources = (...freeSources: FreeLearned[]) =>
  new FreeWorth(freeSources.length, UNTOLD, 1, { freeSources, draftGain: 0 });
/** Each guess costs a tenth of a token. */
const worth = (accepted: number, guesses: number) => accepted - 0.1 * guesses;

describe('FreeWorth', () => {
  it('chooses the source that is worth most, with as many guesses as pay, and none that is worth less than the draft', () => {
    const both = sources({ repeated: always, other: never }, { repeated: never, other: always });
    expect(both.choose([5, 5], 8, worth, 0, 0)).toEqual({ source: 1, guesses: 8 });
    expect(both.choose([LONGEST_ENDING, 5], 3, worth, 0, 0)).toEqual({ source: 0, guesses: 3 });
    expect(both.choose([5, LONGEST_ENDING], 8, worth, 0, 0)).toBeUndefined();
    expect(both.choose([5, 5], 8, worth, 7.3, 7.3)).toBeUndefined(); // 8 tokens less 0.8
    expect(both.choose([0, 0], 8, worth, -1, -1)).toBeUndefined(); // they guess nothing
    const steep = (accepted: number, guesses: number) => accepted - 0.3 * guesses ** 2;
    expect(both.choose([5, 5], 8, steep, 0, 0)).toEqual({ source: 1, guesses: 2 });
  });

  it('learns from the guesses of the one that was chosen, and apart where the text repeats', () => {
    const first = priorSurvival(1);
    const both = sources({ repeated: first, other: first }, { repeated: first, other: first });
    expect(both.choose([5, 0], 4, worth, 0, 0)).toMatchObject({ source: 0 });
    expect(both.learn(4, 0)).toBe(true);
    const [chosen, idle] = both.learned.freeSources!;
    expect(chosen!.other.a).toBeLessThan(first.a);
    expect(chosen!.repeated).toEqual(first);
    expect(idle).toEqual({ repeated: first, other: first });
    for (let step = 0; step < 20; step++) {
      both.choose([5, 0], 4, worth, 0, 0);
      both.learn(4, 0);
    }
    expect(both.choose([5, 0], 4, worth, 0, 0)).toBeUndefined();
    expect(both.learn(4, 4)).toBe(false); // the draft's guesses
  });

  it('weighs them against what steps of the draft turn out to be worth, also where that is more than is foretold', () => {
    const one = sources({ repeated: always, other: always });
    const isChosen = (matched = 5) => one.choose([matched], 4, worth, 0, 3) !== undefined;
    expect(isChosen()).toBe(true); // 4 tokens less 0.4
    for (let step = 0; step < 100; step++) {
      one.choose([0], 4, worth, 0, 3);
      one.learnDraft(9); // of other places than those where the source has something
    }
    expect(isChosen()).toBe(true);
    for (let step = 0; step < 100; step++) {
      one.choose([5], 4, worth, 0, 4);
      one.learnDraft(5);
    }
    expect(one.learned.draftGain).toBeCloseTo(0.95, 1);
    expect(isChosen()).toBe(false);
    expect(one.choose([5], 4, worth, 0, Number.NEGATIVE_INFINITY)).toBeDefined(); // nothing is drafted
  });

  it('sees some steps of a draft first of which nothing is known, and later now and then one, save where the text repeats', () => {
    const one = new FreeWorth(1, UNTOLD, 1, { freeSources: [{ repeated: always, other: always }] });
    const turns = (matched: number) =>
      Array.from({ length: 100 }, () => one.choose([matched], 4, worth, 0, 0) === undefined);
    const first = turns(5);
    expect(first.indexOf(false)).toBe(8);
    expect(first.slice(8).filter(Boolean)).toHaveLength(2);
    expect(turns(LONGEST_ENDING)).not.toContain(true);
  });

  it('soon asks a source again that was seldom right and has become good, and one that stays wrong seldom', () => {
    const first = priorSurvival(1);
    const one = sources({ repeated: first, other: first });
    let asked = 0;
    const step = (accepted: number) => {
      const chosen = one.choose([5], 8, worth, 0.5, 0.5);
      one.learn(chosen?.guesses ?? 0, Math.min(accepted, chosen?.guesses ?? 0));
      if (chosen) asked++;
    };
    for (let i = 0; i < 2000; i++) step(0);
    expect(asked).toBeLessThan(100);
    asked = 0;
    for (let i = 0; i < 300; i++) step(8);
    expect(asked).toBeGreaterThan(150);
  });
});
