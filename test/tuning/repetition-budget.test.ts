import { mean } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/decoding/loop.js';
import { distinct } from '../../src/math/distinct.js';
import { createRng } from '../../src/math/rng.js';
import { RepetitionBudget } from '../../src/tuning/repetition-budget.js';
import { UNCUT } from '../support/fake-model.js';
import { neverEnds, run } from '../support/fake-run.js';

const emitting = (...emitted: number[]) => ({ emitted }) as unknown as Step;
const fresh = Array.from({ length: 80 }, (_, i) => i); // nothing in it comes twice

describe('RepetitionBudget', () => {
  it('begins with one beam, and no repetition', () => {
    expect(new RepetitionBudget(0.5, 4).repetition).toEqual({ beamWidth: 1, share: 0, isAtLimit: false });
  });

  it('counts the tokens that end a run of four which the text had', () => {
    const budget = new RepetitionBudget(0.5, 4);
    const tokens = [1, 2, 3, 4, 1, 2, 3, 4, 1, 2];
    for (const token of tokens) budget.learn(emitting(token));
    const grams = tokens.length - 3;
    expect(budget.repetition.share).toBeCloseTo((grams * (1 - distinct(tokens, 4))) / tokens.length);
  });

  it('counts each text by itself, and keeps the width', () => {
    const budget = new RepetitionBudget(0.2, 4);
    budget.learn(emitting(...fresh));
    budget.restart();
    expect(budget.beamWidth).toBe(4);
    budget.learn(emitting(1, 2, 3, 4));
    expect(budget.repetition.share).toBe(0);
  });

  it('begins with one beam, has more where nothing is repeated, and one where too much is', () => {
    const budget = new RepetitionBudget(0.05, 4);
    expect(budget.beamWidth).toBe(1);
    budget.learn(emitting(...fresh));
    expect(budget.beamWidth).toBe(2);
    expect(budget.repetition.isAtLimit).toBe(false);
    budget.learn(emitting(...fresh.slice(0, 10)));
    expect(budget.repetition).toMatchObject({ beamWidth: 1, isAtLimit: true });
  });

  it('holds the bound over texts of which some repeat more than it allows whatever their beams', () => {
    const rng = createRng(2);
    const run = fresh.slice(0, 8); // each time but the first, five of its tokens end a repeated run of four
    const shares = Array.from({ length: 200 }, (_, text) => {
      const budget = new RepetitionBudget(0.05, 4);
      const own = text % 4 === 0 ? 0.08 : 0.025; // about the share in plain sampling: 3.9 % over all texts
      budget.learn(emitting(...run));
      for (let tokens = 8; tokens < 128; ) {
        const share = own + 0.04 * (budget.beamWidth - 1);
        const next = rng() < share / 5 ? run : [100 + tokens];
        budget.learn(emitting(...next));
        tokens += next.length;
      }
      return budget.repetition.share;
    });
    expect(mean(shares)).toBeLessThan(0.05);
  });

  it.each([1, 3])('never leaves the widths from 1 to %i', (most) => {
    const budget = new RepetitionBudget(0.4, most);
    budget.learn(emitting(...fresh));
    expect(budget.beamWidth).toBe(most);
    for (let i = 0; i < 9; i++) budget.learn(emitting(...fresh));
    expect(budget.beamWidth).toBe(1);
    budget.restart();
    expect(budget.beamWidth).toBe(1); // the width itself has fallen as far as it can
    budget.learn(emitting(9, 7, 5, 8)); // in the long run nothing is owed for what was repeated before
    expect(budget.beamWidth).toBe(Math.min(2, most));
  });

  it('lets a bound of none write as with one beam, and a bound of all as with all of them', async () => {
    const written = async (beamWidth: number, share?: number) => {
      const budget = share === undefined ? undefined : new RepetitionBudget(share, beamWidth);
      for (const token of share === 1 ? fresh : []) budget?.learn(emitting(token));
      const options = {
        strategy: 'mtad',
        draftLength: 4,
        beamWidth,
        clip: false,
        draftFrom: 'model',
      } as const;
      const { emitted } = await run(
        { ...options, threshold: 0.3 },
        {
          capacity: 400,
          maxTokens: 300,
          endsWith: neverEnds,
          sampling: UNCUT,
          rng: createRng(5),
          beamWidth: budget && (() => budget.beamWidth),
          onStep: (step) => budget?.learn(step),
        },
      );
      return emitted;
    };
    expect(await written(4, 0)).toEqual(await written(1));
    expect(await written(4, 1)).toEqual(await written(4));
    expect(await written(4)).not.toEqual(await written(1));
  });
});
