import { describe, expect, it } from 'vitest';
import { logProbOf } from '../../src/math/distribution.js';
import { createRng } from '../../src/math/rng.js';
import { sample } from '../../src/math/sample.js';
import { acceptJoint } from '../../src/rules/joint.js';
import type { Distribution, DraftNode } from '../../src/types.js';
import { fakeChain, fakeDistribution, randomDistribution } from '../support/fake-distribution.js';

const TAUS = [1e-300, 0.01, 0.1, 0.5, 0.9, 1];

interface Case {
  readonly draft: DraftNode[];
  readonly p: Distribution[];
  readonly P: number[]; // joint log-likelihood of the first j tokens under the target, [0..n]
  readonly Q: number[]; // the same under the draft model
}

function judged(draft: DraftNode[], p: Distribution[]): Case {
  const joint = (logProbs: number[]) =>
    [0, ...logProbs].map((_, j) => logProbs.slice(0, j).reduce((a, b) => a + b, 0));
  return {
    draft,
    p,
    P: joint(draft.map(({ token }, i) => logProbOf(p[i]!, token))),
    Q: joint(draft.map(({ token, q }) => logProbOf(q, token))),
  };
}

/** Drafts of up to six tokens, drawn from distributions that have little to do with the target's. */
function randomCases(seed: number): Case[] {
  const rng = createRng(seed);
  return Array.from({ length: 500 }, () => {
    const length = Math.floor(7 * rng());
    const links = Array.from({ length }, () => {
      const q = randomDistribution(rng);
      return [sample(q, rng()), q] as [number, Distribution];
    });
    const p = Array.from({ length: length + 1 }, () => randomDistribution(rng));
    return judged(fakeChain(...links), p);
  });
}

/** A draft whose tokens have exactly these ratios p/q. */
function ofRatios(...ratios: number[]): Case {
  const q = fakeDistribution(1, 7);
  return judged(
    fakeChain(...ratios.map(() => [0, q] as [number, Distribution])),
    [...ratios, 1].map((ratio) => fakeDistribution(ratio, 8 - ratio)),
  );
}

const accept = ({ draft, p }: Case, tau: number, clip = false) => acceptJoint(draft, p, { tau, clip });

describe('acceptJoint', () => {
  it('accepts blocks within the bound only: -P <= -Q + ln(1/tau)', () => {
    for (const one of randomCases(1))
      for (const tau of TAUS) {
        const n = accept(one, tau);
        expect(-one.P[n]!).toBeLessThanOrEqual(-one.Q[n]! + Math.log(1 / tau) + 1e-12);
      }
  });

  it('accepts the longest of the prefixes within the bound', () => {
    for (const one of randomCases(2))
      for (const tau of TAUS) {
        const longest = one.P.findLastIndex((joint, j) => joint - one.Q[j]! >= Math.log(tau) - 1e-12);
        expect(accept(one, tau)).toBe(longest);
      }
  });

  it('forgives a bad token where a later good one makes up for it', () => {
    const one = ofRatios(0.25, 4);
    expect(accept(ofRatios(0.25), 0.5)).toBe(0);
    expect(accept(one, 0.5)).toBe(2);
  });

  it('forgives a token no sooner than it is made up for', () => {
    expect(accept(ofRatios(0.25, 1.5, 1.1, 0.9), 0.5)).toBe(0);
    expect(accept(ofRatios(2, 0.3, 0.5, 1.5), 0.5)).toBe(2);
  });

  it('never accepts a longer block of the same draft with a larger tau', () => {
    for (const one of randomCases(3))
      for (const clip of [false, true]) {
        const lengths = TAUS.map((tau) => accept(one, tau, clip));
        expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
      }
  });

  it('takes tau = 1 to mean: at least as likely as the draft says', () => {
    const [p, q] = [fakeDistribution(0.2, 0.8), fakeDistribution(0.6, 0.4)];
    expect(accept(judged(fakeChain([0, p]), [p, p]), 1)).toBe(1); // equal
    expect(accept(judged(fakeChain([0, q], [0, p]), [p, q, p]), 1)).toBe(2); // equal after two tokens
    expect(accept(ofRatios(1 + 1e-9), 1)).toBe(1);
    expect(accept(ofRatios(1 - 1e-9), 1)).toBe(0);
  });

  it('accepts a draft of the target itself, whole', () => {
    for (const { draft } of randomCases(4)) {
      const p = [...draft.map(({ q }) => q), fakeDistribution(1)];
      for (const clip of [false, true]) expect(acceptJoint(draft, p, { tau: 1, clip })).toBe(draft.length);
    }
  });

  it('never accepts what the target cannot say, nor anything after it', () => {
    for (const one of randomCases(5)) {
      const impossible = one.P.indexOf(-Infinity); // length of the shortest impossible prefix
      if (impossible === -1) continue;
      for (const clip of [false, true]) expect(accept(one, 1e-300, clip)).toBeLessThan(impossible);
    }
    expect(randomCases(5).filter(({ P }) => P.includes(-Infinity)).length).toBeGreaterThan(100);
  });

  it('accepts all that the target can say with a tau next to nothing', () => {
    expect(accept(ofRatios(0.1, 0.1, 0.1), 1e-300)).toBe(3);
  });

  it('accepts nothing of an empty draft', () => {
    expect(acceptJoint([], [fakeDistribution(1)], { tau: 0.5, clip: false })).toBe(0);
  });

  describe('with clip', () => {
    it('caps the ratio at 1 after every token', () => {
      for (const one of randomCases(6)) {
        let a = 0;
        const clipped = one.draft.map((_, i) => {
          a = Math.min(0, a + (one.P[i + 1]! - one.P[i]!) - (one.Q[i + 1]! - one.Q[i]!));
          return Number.isNaN(a) ? -Infinity : a; // after an impossible token
        });
        for (const tau of TAUS.slice(0, -1)) {
          const longest = clipped.findLastIndex((ratio) => ratio >= Math.log(tau)) + 1;
          expect(accept(one, tau, true)).toBe(longest);
        }
      }
    });

    it('never accepts a longer block than without', () => {
      for (const one of randomCases(7))
        for (const tau of TAUS) expect(accept(one, tau, true)).toBeLessThanOrEqual(accept(one, tau));
    });

    it('does not let a lucky token pay for later bad ones', () => {
      const one = ofRatios(4, 0.2);
      expect(accept(one, 0.5)).toBe(2);
      expect(accept(one, 0.5, true)).toBe(1);
    });

    it('still lets a later token make up for an earlier one', () => {
      expect(accept(ofRatios(0.25, 4), 0.5, true)).toBe(2);
    });
  });
});
