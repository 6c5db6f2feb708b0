import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/decoding/loop.js';
import { createRng } from '../../src/math/rng.js';
import { DriftWatch, FALSE_ALARMS, referenceOf } from '../../src/tuning/drift.js';
import { signsOf } from '../../src/tuning/drift-signs.js';
import type { TunedDraft } from '../../src/tuning/profile.js';
import type { Rng } from '../../src/types.js';
import { fakeDistribution } from '../support/fake-distribution.js';

const SURVIVAL: TunedDraft['survival'] = { a: 2, b: -1, covariance: { aa: 0.1, ab: 0, bb: 0.1 } };
const GUESSES = 4;
const Q = fakeDistribution(0.7, 0.3);
const P = fakeDistribution(0.6, 0.4);

/** A chain of which as many guesses are right as coins say. */
function step(rng: Rng, right: number): Step {
  const draft = Array.from({ length: GUESSES }, (_, i) => ({
    token: rng() < 0.7 ? 0 : 1,
    parent: i - 1,
    q: Q,
  }));
  let accepted = 0;
  while (accepted < GUESSES && rng() < right) accepted++;
  return {
    position: 1,
    draft,
    p: Array.from({ length: GUESSES + 1 }, () => P),
    drafted: GUESSES,
    accepted,
    path: [...draft.keys()].slice(0, accepted),
    next: 0,
    emitted: new Array(accepted + 1).fill(0),
    rawLogProbs: undefined,
    targetPasses: 1,
    draftPasses: GUESSES,
    ms: { draft: 1, verify: 1, wait: 0, own: 1 },
  };
}

/** Texts differ: in some nearly all guesses are right, in others fewer. @param right in a usual text */
function text(rng: Rng, right: number, steps = 30): Step[] {
  const normal = Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());
  const ofText = 1 / (1 + ((1 - right) / right) * Math.exp(0.4 * normal));
  return Array.from({ length: steps }, () => step(rng, ofText));
}

const texts = (rng: Rng, count: number, right: number) =>
  Array.from({ length: count }, () => text(rng, right));

const usualIn = (some: readonly Step[][]) =>
  referenceOf(some.map((steps) => steps.map((one) => signsOf(one, SURVIVAL, 1))));

function watched(rng: Rng, usual: number, right: number, count: number) {
  const reference = usualIn(texts(rng, 10, usual));
  const watch = new DriftWatch({ survival: SURVIVAL, usualDrop: 0.5, reference }, 1);
  for (const steps of texts(rng, count, right)) {
    watch.beginText();
    for (const one of steps) watch.learn(one);
  }
  return watch.drift;
}

describe('a watch for drift', () => {
  it.each([0.6, 0.8, 0.95])(
    'speaks of no fall over 20 texts as usual, more often than it says, where %d of the guesses are right',
    (usual) => {
      const rng = createRng(5);
      const watches = 150;
      const alarms = Array.from({ length: watches }, () => watched(rng, usual, usual, 20)).filter(
        ({ fall }) => fall,
      );
      const byChance = 3 * Math.sqrt(watches * FALSE_ALARMS);
      expect(alarms.length).toBeLessThanOrEqual(watches * FALSE_ALARMS + byChance);
    },
  );

  it('sees within a text that a draft is wrong, and says once what has fallen, and from where', () => {
    const rng = createRng(3);
    const falls = Array.from({ length: 50 }, () => watched(rng, 0.8, 0.1, 1).fall);
    expect(falls.filter((fall) => fall !== null).length).toBeGreaterThan(47);
    expect(falls[0]).toMatchObject({ sign: 'acceptance', now: expect.any(Number) });
    expect(Math.abs(falls[0]!.usual - 0.8)).toBeLessThan(0.1);
    expect(falls[0]!.now).toBeLessThan(0.3);
  });

  it('sees in the end what is hardly seen in a text', () => {
    const rng = createRng(3);
    const falls = (count: number) =>
      Array.from({ length: 30 }, () => watched(rng, 0.8, 0.45, count)).filter(({ fall }) => fall).length;
    expect(falls(1)).toBeLessThan(22);
    expect(falls(12)).toBeGreaterThan(23);
  });

  it('counts steps, and says nothing where too few texts tell what is usual', () => {
    const rng = createRng(3);
    const reference = usualIn(texts(rng, 4, 0.9));
    const watch = new DriftWatch({ survival: SURVIVAL, usualDrop: 0.5, reference }, 1);
    for (const one of text(rng, 0.05, 100)) watch.learn(one);
    expect(watch.drift).toEqual({ steps: 100, fall: null });
  });

  it('takes a step without guesses for no sign', () => {
    const rng = createRng(3);
    const reference = usualIn(texts(rng, 10, 0.9));
    const watch = new DriftWatch({ survival: SURVIVAL, usualDrop: 0.5, reference }, 1);
    const plain = { ...step(rng, 0), draft: [], path: [], accepted: 0 };
    for (let i = 0; i < 100; i++) watch.learn(plain);
    expect(watch.drift).toEqual({ steps: 100, fall: null });
    expect(reference.tokensPerPass.mean).toBeGreaterThan(3);
  });
});
