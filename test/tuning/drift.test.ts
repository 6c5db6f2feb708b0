import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/decoding/loop.js';
import { createRng } from '../../src/math/rng.js';
import { sample } from '../../src/math/sample.js';
import { acceptJoint } from '../../src/rules/joint.js';
import { DriftWatch, FALSE_ALARMS } from '../../src/tuning/drift.js';
import { signsOf } from '../../src/tuning/drift-signs.js';
import { referenceOf } from '../../src/tuning/usual.js';
import type { Distribution, Rng } from '../../src/types.js';
import { fakeDistribution, probabilities, randomDistribution } from '../support/fake-distribution.js';
import { tries } from '../support/tries.js';

const GUESSES = 4;
const Q = fakeDistribution(0.7, 0.3);

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
    p: [...draft.map(({ token }, i) => (i === accepted ? fakeDistribution(token, 1 - token) : Q)), Q],
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

/** A chain that the joint rule judges; the target is of another mind than the draft at each place. */
function judged(rng: Rng, lengthAt: (sure: number) => number): Step {
  const p = Array.from({ length: 9 }, () => randomDistribution(rng));
  const sharp = p.map((one) => mixed(one, randomDistribution(rng)));
  const sure = Math.exp(sharp[0]!.logProbs[0]!);
  const draft = Array.from({ length: lengthAt(sure) }, (_, i) => ({
    token: i === 0 ? sharp[i]!.tokens[0]! : sample(sharp[i]!, rng()), // as beams choose it: by how sure they are
    parent: i - 1,
    q: sharp[i]!,
  }));
  const accepted = acceptJoint(draft, p, { tau: 0.9, clip: false });
  const emitted = new Array(accepted + 1).fill(0);
  return { ...step(rng, 0), draft, p, accepted, path: [...draft.keys()].slice(0, accepted), emitted };
}

/** One guess of a draft that is so sure of it; it is right as often as a coin says, and else impossible. */
function coin(rng: Rng, sure: number, right: number): Step {
  const q = fakeDistribution(sure, 1 - sure);
  const isRight = rng() < right;
  const one = step(rng, 0);
  const p = isRight ? q : fakeDistribution(1e-9, 1);
  return { ...one, draft: [{ token: 0, parent: -1, q }], p: [p, p], path: isRight ? [0] : [] };
}

/** Half of each. */
function mixed(one: Distribution, other: Distribution): Distribution {
  const [a, b] = [probabilities(one, 6), probabilities(other, 6)];
  return fakeDistribution(...a.map((value, i) => value + b[i]!));
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
  referenceOf(some.map((steps) => steps.flatMap((one) => signsOf(one, 1) ?? [])));

function watched(
  rng: Rng,
  usual: number,
  right: number,
  count: number,
  reference = usualIn(texts(rng, 10, usual)),
) {
  const watch = new DriftWatch({ reference }, 1);
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
      const watches = tries(50, 150);
      const alarms = Array.from({ length: watches }, () => watched(rng, usual, usual, 20)).filter(
        ({ fall }) => fall,
      );
      const byChance = 3 * Math.sqrt(watches * FALSE_ALARMS);
      expect(alarms.length).toBeLessThanOrEqual(watches * FALSE_ALARMS + byChance);
    },
  );

  it('speaks of no fall as usual where some texts of the profile were much longer than the others', () => {
    const rng = createRng(11);
    const watches = tries(50, 150);
    const lengths = [300, 300, ...new Array(10).fill(5)];
    const alarms = Array.from({ length: watches }, () => {
      const reference = usualIn(lengths.map((length) => text(rng, 0.7, length)));
      return watched(rng, 0.7, 0.7, 20, reference);
    }).filter(({ fall }) => fall);
    const byChance = 3 * Math.sqrt(watches * FALSE_ALARMS);
    expect(alarms.length).toBeLessThanOrEqual(watches * FALSE_ALARMS + byChance);
  });

  it('speaks of no fall, more often than it says, where guesses are unsure that were seldom so', () => {
    const rng = createRng(17);
    const watches = tries(25, 100);
    const signed = (unsure: number, count: number) =>
      Array.from({ length: count }, () => (rng() < unsure ? coin(rng, 0.2, 0.5) : coin(rng, 0.999, 0.98)));
    const alarms = Array.from({ length: watches }, () => {
      const watch = new DriftWatch(
        { reference: usualIn(Array.from({ length: 20 }, () => signed(0.05, 100))) },
        1,
      );
      for (let i = 0; i < 20; i++) {
        watch.beginText();
        for (const one of signed(1, 50)) watch.learn(one);
      }
      return watch.drift.fall;
    }).filter((fall) => fall);
    const byChance = 3 * Math.sqrt(watches * FALSE_ALARMS);
    expect(alarms.length).toBeLessThanOrEqual(watches * FALSE_ALARMS + byChance);
  });

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
    const watch = new DriftWatch({ reference }, 1);
    for (const one of text(rng, 0.05, 100)) watch.learn(one);
    expect(watch.drift).toEqual({ steps: 100, fall: null });
  });

  it('counts texts for less where one is much longer than the others', () => {
    const rng = createRng(3);
    const some = [...Array.from({ length: 5 }, () => text(rng, 0.8, 10)), text(rng, 0.8, 200)];
    expect(usualIn(some).acceptance).toMatchObject({ texts: 6, steps: 250 });
    expect(usualIn(some).acceptance.evenTexts).toBeCloseTo(250 ** 2 / (5 * 10 ** 2 + 200 ** 2), 6);
    expect(usualIn(texts(rng, 10, 0.8)).acceptance.evenTexts).toBeCloseTo(10, 6);
  });

  it('also sees a fall from where nothing ever differed', () => {
    const reference = usualIn(texts(createRng(3), 10, 1));
    const { acceptance } = reference;
    expect(acceptance).toMatchObject({ textSd: 0, stepSd: 0 });
    for (const { mean, steps } of acceptance.bySureness) expect(mean).toBe(steps === 0 ? 0 : 1);
    const fallAt = (right: number) => {
      const watch = new DriftWatch({ reference }, 1);
      for (const one of text(createRng(4), right, 64)) watch.learn(one);
      return watch.drift.fall;
    };
    expect(fallAt(0.3)).not.toBeNull();
    expect(fallAt(1)).toBeNull();
  });

  const whole = () => 8;
  const sureOnly = (sure: number) => (sure > 0.5 ? 2 : 0);
  it.each([
    ['dearer, so that drafts are shorter', whole, () => 1],
    [
      'dearer, so that drafts are shorter where the draft is unsure',
      whole,
      (sure: number) => (sure > 0.5 ? 2 : 1),
    ],
    ['dearer, so that drafts are left out where the draft is unsure', whole, sureOnly],
    ['cheaper, so that drafts are longer', () => 1, whole],
    ['cheaper, so that there are drafts where the draft is unsure', sureOnly, whole],
    ['cheaper, so that there are short drafts where the draft is unsure', sureOnly, () => 1],
  ])('speaks of no fall where guesses have become %s', (_, before, after) => {
    const rng = createRng(7);
    const judgedText = (length: (sure: number) => number) =>
      Array.from({ length: 40 }, () => judged(rng, length));
    const reference = usualIn(Array.from({ length: 20 }, () => judgedText(before)));
    const watch = new DriftWatch({ reference }, 1);
    for (let i = 0; i < 60; i++) {
      watch.beginText();
      for (const one of judgedText(after)) watch.learn(one);
    }
    expect(watch.drift.fall).toBeNull();
  });

  it('takes a step without guesses for no sign', () => {
    const rng = createRng(3);
    const reference = usualIn(texts(rng, 10, 0.9));
    const watch = new DriftWatch({ reference }, 1);
    const plain = { ...step(rng, 0), draft: [], path: [], accepted: 0 };
    for (let i = 0; i < 100; i++) watch.learn(plain);
    expect(watch.drift).toEqual({ steps: 100, fall: null });
  });

  it('takes a guess of a source without passes for no sign', () => {
    const { draft, ...one } = step(createRng(3), 1);
    const begun = (first: object) => signsOf({ ...one, draft: [{ ...draft[0]!, ...first }] }, 1);
    expect(begun({ from: 'model' })).toEqual(begun({}));
    expect(begun({})).toBeDefined();
    expect(begun({ from: 'lookup' })).toBeUndefined();
    expect(begun({ from: 'corpus', isTail: true })).toBeUndefined();
  });
});
