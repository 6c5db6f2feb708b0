import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { faded, isNews, type Learned, prior, under } from '../../src/tuning/learned.js';
import { observed, type Survival, spreadOf, survivalOf } from '../../src/tuning/survival.js';

/** After so many guesses, each of them accepted with the chance that `truth` gives it. */
function taught(from: Learned, truth: Survival, guesses: number): Learned {
  const rng = createRng(3);
  let { survival } = from;
  for (let i = 0; i < guesses; i++) {
    const q = -4 * rng();
    survival = observed(survival, q, rng() < survivalOf(truth, q));
  }
  return { ...from, survival };
}

const GOOD: Survival = { ...prior(1).survival, a: 4, b: -0.4 };
const BAD: Survival = { ...prior(1).survival, a: -3 };
const chance = ({ survival }: Learned) => survivalOf(survival, -1);

describe('what a text has learned of a draft', () => {
  it('is believed by the next text, which is less sure of it and unlearns it quickly', () => {
    const known = taught(prior(0.3), GOOD, 400);
    const begins = faded(known);
    expect(chance(begins)).toBe(chance(known));
    expect(spreadOf(begins.survival, -1)).toBeGreaterThan(1.5 * spreadOf(known.survival, -1));
    expect(chance(taught(begins, BAD, 20))).toBeLessThan(chance(taught(known, BAD, 20)) - 0.1);
  });

  it('is believed less surely of the sources without a pass too', () => {
    const { survival } = taught(prior(1), GOOD, 400);
    const known = {
      ...prior(1),
      tail: { survival, worth: 1 },
      freeSources: [{ repeated: survival, other: survival }],
    };
    const { tail, freeSources } = faded(known);
    for (const begins of [tail!.survival, freeSources![0]!.repeated, freeSources![0]!.other]) {
      expect(survivalOf(begins, -1)).toBe(survivalOf(survival, -1));
      expect(spreadOf(begins, -1)).toBeGreaterThan(1.5 * spreadOf(survival, -1));
    }
  });

  it('is never less certain than nothing is', () => {
    let learned = prior(0.3);
    for (let i = 0; i < 30; i++) learned = faded(learned);
    expect(learned).toEqual(prior(0.3));
  });

  it('brings a purse that is hardly refilled, and not large', () => {
    expect(faded({ ...prior(1), purse: 0.2 }).purse).toBe(2);
    expect(faded({ ...prior(1), purse: 3 }).purse).toBe(3);
    expect(faded({ ...prior(1), purse: 19 }).purse).toBeLessThan(10);
    expect(faded(prior(1)).purse).toBeUndefined();
  });

  it('follows the threshold there and back', () => {
    const known = taught(prior(0.5), GOOD, 100);
    const strict = under(known, 1);
    expect(chance(strict)).toBeLessThan(chance(known));
    expect(under(strict, 0.5).survival.a).toBeCloseTo(known.survival.a, 9);
  });

  it('is news where it is surer or other than what was kept, and not where a text was like those before', () => {
    const known = { ...taught(prior(0.5), GOOD, 600), purse: 5 };
    expect(isNews(known, prior(0.5))).toBe(true);
    expect(isNews(known, known)).toBe(false);
    expect(isNews(taught(faded(known), GOOD, 60), known)).toBe(false);
    expect(isNews(taught(faded(known), BAD, 60), known)).toBe(true);
    expect(isNews({ ...known, purse: 0 }, known)).toBe(true);
    expect(isNews(under(known, 0.3), known)).toBe(false);
    const { purse, ...early } = known; // 5 passes, as at first
    expect(isNews({ ...known, purse: 3.5 }, early)).toBe(false);
    expect(isNews({ ...known, draftGain: 0.7 }, { ...known, draftGain: 0.1 })).toBe(true);
    expect(isNews({ ...known, draftGain: 0.3 }, known)).toBe(false);
    const tail = { survival: GOOD, worth: 1 };
    expect(isNews({ ...known, tail }, known)).toBe(true);
    expect(isNews({ ...known, tail }, { ...known, tail })).toBe(false);
    const sure = { ...known, usualDrop: 0.02 }; // sources without a pass guess less likely tokens than such a draft
    const other = { repeated: GOOD, other: { ...GOOD, a: 2, b: 0 } };
    const worse = { repeated: GOOD, other: { ...GOOD, a: 2, b: -0.5 } };
    expect(isNews({ ...sure, freeSources: [worse] }, { ...sure, freeSources: [other] })).toBe(true);
  });

  it('is news where nothing was known of a source', () => {
    const one = { repeated: GOOD, other: GOOD };
    expect(isNews({ ...prior(1), freeSources: [one] }, prior(1))).toBe(true);
    expect(isNews({ ...prior(1), freeSources: [one] }, { ...prior(1), freeSources: [one] })).toBe(false);
  });
});
