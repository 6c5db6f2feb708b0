import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import {
  highestSurvivalOf,
  observed,
  priorSurvival,
  type Survival,
  survivalOf,
  unseen,
} from '../../src/tuning/survival.js';

describe('survivalOf', () => {
  it('falls with the likelihood of the guesses, and is higher where the threshold is lower', () => {
    const survival = priorSurvival(0.5);
    const chances = [-0.1, -1, -3, -9].map((q) => survivalOf(survival, q));
    expect(chances).toEqual(chances.toSorted((a, b) => b - a));
    expect(survivalOf(priorSurvival(0.1), -3)).toBeGreaterThan(survivalOf(survival, -3));
  });

  it('is highest for what is certain', () => {
    const survival = priorSurvival(1);
    expect(survivalOf(survival, 0)).toBeGreaterThan(survivalOf(survival, -0.01));
  });
});

describe('observed', () => {
  const learnt = (truth: Survival, from: Survival, steps: number) => {
    const rng = createRng(3);
    let survival = from;
    for (let i = 0; i < steps; i++) {
      const q = -6 * rng();
      survival = observed(survival, q, rng() < survivalOf(truth, q));
    }
    return survival;
  };

  it('finds a logistic curve that is far from what was believed before', () => {
    const truth = { ...priorSurvival(1), a: -0.5, b: -0.6 };
    const found = learnt(truth, priorSurvival(0.1), 4000);
    for (const q of [-0.2, -1, -4])
      expect(Math.abs(survivalOf(found, q) - survivalOf(truth, q))).toBeLessThan(0.06);
  });

  it.each([0.5, 0.8, 0.95])(
    'stays near the truth where all guesses are as likely, %s of them accepted',
    (share) => {
      const rng = createRng(5);
      const q = Math.log(0.7);
      let survival = priorSurvival(1);
      for (let i = 0; i < 20_000; i++) survival = observed(survival, q, rng() < share);
      expect(Math.abs(survivalOf(survival, q) - share)).toBeLessThan(0.06);
      const { aa, ab, bb } = survival.covariance;
      expect(aa * bb).toBeGreaterThanOrEqual(ab * ab);
    },
  );

  it('learns within a text that nothing is accepted', () => {
    const found = learnt({ ...priorSurvival(1), a: -30 }, priorSurvival(0.5), 60);
    expect(survivalOf(found, -1)).toBeLessThan(0.1);
  });

  it('never believes that unlikely guesses are accepted more often', () => {
    let survival = priorSurvival(0.5);
    for (let i = 0; i < 200; i++) survival = observed(survival, i % 2 ? -9 : -0.01, i % 2 === 1);
    expect(survival.b).toBe(0);
  });
});

describe('highestSurvivalOf', () => {
  it('is above what is believed, less so the more was seen, and more again after much that showed nothing', () => {
    const gap = (survival: Survival) => highestSurvivalOf(survival, -1) - survivalOf(survival, -1);
    let survival = priorSurvival(0.5);
    const before = gap(survival);
    for (let i = 0; i < 300; i++) survival = observed(survival, -(i % 20) / 10, i % 2 === 0);
    const sure = gap(survival);
    expect(sure).toBeGreaterThan(0);
    expect(sure).toBeLessThan(before / 2);
    for (let i = 0; i < 50_000; i++) survival = unseen(survival, priorSurvival(0.5));
    expect(gap(survival)).toBeGreaterThan(2 * sure);
    expect(Number.isFinite(gap(survival))).toBe(true);
  });
});
