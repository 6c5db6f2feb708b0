import { describe, expect, it } from 'vitest';
import { priorSurvival, type Survival, survivalOf } from '../../src/tuning/survival.js';
import { TailWorth } from '../../src/tuning/tail-worth.js';

const SURE: Survival = { a: 20, b: 0, covariance: { aa: 0, ab: 0, bb: 0 } };
const UNTOLD = Math.log(0.7);
const tail = (survival = SURE, isTold = true) => new TailWorth(isTold, UNTOLD, 1, { survival, worth: 0 });
/** Its worth after many steps alike. */
function worthAfter(logQ: readonly number[], chance: number, price: number): number {
  const learner = tail();
  for (let step = 0; step < 500; step++) learner.learn(logQ, undefined, chance, price);
  return learner.worth;
}

describe('TailWorth', () => {
  it('is worth what it brings behind a draft that is accepted, less its price, which is paid for all drafts', () => {
    expect(worthAfter([-1, -2], 1, 0.5)).toBeCloseTo(1.5, 4);
    expect(worthAfter([-1, -2], 0.5, 0.5)).toBeCloseTo(1, 4);
    expect(0.5 * worthAfter([-1, -2], 0.5, 0.5)).toBeCloseTo(0.5 * 2 - 0.5, 4); // chance times worth is what a step gains
  });

  it('is worth nothing where its price is more than it brings, or where nothing is guessed', () => {
    expect(worthAfter([-1, -2], 0.2, 0.5)).toBe(0);
    const learner = new TailWorth(true, UNTOLD, 1, { survival: SURE, worth: 2 });
    for (let step = 0; step < 500; step++) learner.learn([], undefined, 0.5, 0);
    expect(learner.worth).toBeCloseTo(0, 4);
  });

  it('goes on while some number of guesses is worth its price', () => {
    const free = () => 0;
    const dear = (guesses: number) => 0.9 * guesses;
    expect(tail().goesOn([-1], 1, free, 3)).toBe(true);
    expect(tail().goesOn([-1], 0.5, dear, 3)).toBe(false);
    expect(tail().goesOn([-1], 0.5, () => 1.2, 2)).toBe(false);
    expect(tail().goesOn([-1], 0.5, () => 1.2, 3)).toBe(true); // the third pays for all
    expect(tail().goesOn([-1], 1, free, 0)).toBe(false);
  });

  it('learns from guesses behind an accepted draft alone', () => {
    const first = priorSurvival(1);
    const seen = (accepted: number | undefined) => {
      const learner = tail(first);
      learner.learn([-0.5, -1], accepted, 1, 0);
      return survivalOf(learner.learned.survival, -0.5);
    };
    expect(seen(undefined)).toBe(survivalOf(first, -0.5));
    expect(seen(2)).toBeGreaterThan(seen(undefined));
    expect(seen(0)).toBeLessThan(seen(undefined));
  });

  it('heeds no likelihoods that tell nothing', () => {
    const learned = [-0.01, -9].map((q) => {
      const learner = tail(priorSurvival(1), false);
      learner.learn([q], 1, 1, 0);
      return learner.learned;
    });
    expect(learned[0]).toEqual(learned[1]);
  });

  it('counts guesses whose likelihoods tell nothing by their number, the further the less', () => {
    const survival = { ...SURE, a: 2, b: -3 };
    const least = survivalOf(survival, UNTOLD);
    const goesOn = (price: number, logQ = [-0.01]) => tail(survival, false).goesOn(logQ, 1, () => price, 1);
    expect([goesOn(least - 0.01), goesOn(least + 0.01)]).toEqual([true, false]);
    expect(goesOn(least - 0.01, [-0.01, -0.02])).toBe(false);
  });
});
