import { describe, expect, it } from 'vitest';
import { logProbOf } from '../../src/math/distribution.js';
import { likeliestLeaf, pathTo } from '../../src/math/draft-tree.js';
import { createRng } from '../../src/math/rng.js';
import { acceptJointTree } from '../../src/rules/joint-tree.js';
import { type Distribution, type Draft, type DraftNode, type NodeIndex, ROOT } from '../../src/types.js';
import { fakeDistribution, randomDistribution } from '../support/fake-distribution.js';
import { acceptedByMtad, likeliestBeam } from '../support/likeliest-beam.js';

const TAUS = [1e-300, 0.01, 0.1, 0.5, 0.9, 1];

interface Case {
  readonly draft: Draft;
  readonly p: readonly Distribution[];
}

/** Trees of up to 15 nodes, children with different tokens, and a target that has little to do with them. */
function randomCases(seed: number): Case[] {
  const rng = createRng(seed);
  return Array.from({ length: 500 }, () => {
    const qs = Array.from({ length: 16 }, () => randomDistribution(rng));
    const draft: DraftNode[] = [];
    for (let tries = Math.floor(16 * rng()); tries > 0; tries--) {
      const parent = Math.floor(rng() * (draft.length + 1)) - 1;
      const q = qs[parent + 1]!;
      const token = q.tokens[Math.floor(rng() * q.tokens.length)]!;
      if (!draft.some((node) => node.parent === parent && node.token === token))
        draft.push({ token, parent, q });
    }
    return { draft, p: Array.from({ length: draft.length + 1 }, () => randomDistribution(rng)) };
  });
}

const logP = ({ draft, p }: Case, path: readonly NodeIndex[]) =>
  path.reduce((sum, node) => sum + logProbOf(p[draft[node]!.parent + 1]!, draft[node]!.token), 0);
const logQ = ({ draft }: Case, path: readonly NodeIndex[]) =>
  path.reduce((sum, node) => sum + logProbOf(draft[node]!.q, draft[node]!.token), 0);
const beamOf = ({ draft }: Case) => pathTo(draft, likeliestLeaf(draft));
const accept = ({ draft, p }: Case, tau: number) => acceptJointTree(draft, p, { tau });

/** Branches of the root, given as ratios p/q of tokens that have probability 1/8 under the draft model. */
function branches(...ratios: number[][]): Case {
  const draft: DraftNode[] = [];
  const first = ratios.map(([ratio]) => ratio!);
  const p: Distribution[] = [fakeDistribution(...first, 8 - first.reduce((a, b) => a + b))];
  const q = fakeDistribution(...ratios.map(() => 1), 8 - ratios.length);
  for (const [token, branch] of ratios.entries())
    for (const [depth, _] of branch.entries()) {
      const parent = depth === 0 ? ROOT : draft.length - 1;
      draft.push({ token: depth === 0 ? token : 0, parent, q: depth === 0 ? q : fakeDistribution(1, 7) });
      const next = branch[depth + 1] ?? 1;
      p.push(fakeDistribution(next, 8 - next));
    }
  return { draft, p };
}

describe('acceptJointTree', () => {
  it('accepts a draft of the target itself, whole: what equals the bound is within it', () => {
    const p = fakeDistribution(1, 2, 1);
    const draft = [0, 1, 2].map((token, i): DraftNode => ({ token, parent: i - 1, q: p }));
    expect(acceptJointTree(draft, [p, p, p, p], { tau: 1 })).toEqual([0, 1, 2]);
  });

  it('accepts a path from the root', () => {
    for (const one of randomCases(1))
      for (const tau of TAUS) {
        const path = accept(one, tau);
        expect(path).toEqual(pathTo(one.draft, path.at(-1) ?? ROOT));
      }
  });

  it("accepts blocks within the bound only: P >= Q* + ln tau, Q* the likeliest beam's to the same depth", () => {
    for (const one of randomCases(2))
      for (const tau of TAUS) {
        const path = accept(one, tau);
        const reference = beamOf(one).slice(0, path.length);
        expect(reference).toHaveLength(path.length);
        expect(logP(one, path)).toBeGreaterThanOrEqual(logQ(one, reference) + Math.log(tau) - 1e-12);
      }
  });

  it('accepts no path when a longer one, or an equally long and likelier one, is within the bound', () => {
    for (const one of randomCases(3))
      for (const tau of TAUS) {
        const accepted = accept(one, tau);
        const beam = beamOf(one);
        for (const node of one.draft.keys()) {
          const path = pathTo(one.draft, node);
          if (path.length > beam.length) continue;
          if (logP(one, path) - logQ(one, beam.slice(0, path.length)) < Math.log(tau) + 1e-12) continue;
          expect(path.length).toBeLessThanOrEqual(accepted.length);
          if (path.length === accepted.length)
            expect(logP(one, path)).toBeLessThanOrEqual(logP(one, accepted) + 1e-12);
        }
      }
  });

  it('never accepts a shorter block than the rule for one beam does of the likeliest, and often a longer one', () => {
    let longer = 0;
    for (const one of randomCases(4))
      for (const tau of TAUS) {
        const alone = acceptedByMtad(one.draft, one.p, tau);
        expect(accept(one, tau).length).toBeGreaterThanOrEqual(alone);
        if (accept(one, tau).length > alone) longer++;
      }
    expect(longer).toBeGreaterThan(100);
  });

  it('of a chain accepts what the rule for one beam does', () => {
    for (const { draft, p } of randomCases(5)) {
      const beam = likeliestBeam(draft, p);
      for (const tau of TAUS) expect(accept(beam, tau)).toHaveLength(acceptedByMtad(draft, p, tau));
    }
  });

  it('never accepts a longer block of the same draft with a larger tau', () => {
    for (const one of randomCases(6)) {
      const lengths = TAUS.map((tau) => accept(one, tau).length);
      expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
    }
  });

  it('never accepts what the target cannot say', () => {
    for (const one of randomCases(7)) expect(logP(one, accept(one, 1e-300))).toBeGreaterThan(-Infinity);
  });

  it('takes the deepest node, then the likeliest, then the first', () => {
    expect(accept(branches([1, 0.1], [2, 0.1], [1, 0.9]), 0.5)).toEqual([4, 5]);
    expect(accept(branches([1, 1], [3, 1], [2, 1]), 0.5)).toEqual([2, 3]);
    expect(accept(branches([1, 1], [1, 1]), 0.5)).toEqual([0, 1]);
  });

  it('compares with the likeliest beam of the draft model, not with the beam itself', () => {
    const [q, p] = [fakeDistribution(6, 2), fakeDistribution(5, 3)];
    const draft = [0, 1].map((token) => ({ token, parent: ROOT, q }));
    // Token 1 is likelier under the target than under the draft model, but token 0 is the likeliest beam.
    expect(accept({ draft: draft.slice(1), p: [p, p] }, 1)).toEqual([0]);
    expect(accept({ draft, p: [p, p, p] }, 1)).toEqual([]);
    expect(accept({ draft, p: [fakeDistribution(1, 7), p, p] }, 1)).toEqual([1]);
  });

  it('compares with the likeliest beam and its tail, however unlikely the tail makes it', () => {
    const [first, tail] = [fakeDistribution(5, 4, 1), fakeDistribution(6, 4)];
    const draft = [
      { token: 0, parent: ROOT, q: first },
      { token: 1, parent: ROOT, q: first },
      { token: 0, parent: 0, q: tail, isTail: true },
    ];
    const judged = (...weights: number[]) => {
      const p = [fakeDistribution(...weights), tail, tail, tail];
      expect(accept({ draft: draft.slice(0, 2), p: p.slice(0, 3) }, 0.5)).toEqual(
        accept({ draft, p }, 0.5).filter((node) => node < 2),
      );
      return accept({ draft, p }, 0.5);
    };
    expect(judged(5, 4, 1)).toEqual([0, 2]);
    expect(judged(22, 22, 56)).toEqual([]); // each is more than half as likely as token 1, and less than half as token 0
  });

  it('passes nothing deeper than the likeliest beam, which may have ended early', () => {
    const [sure, half] = [fakeDistribution(0, 1), fakeDistribution(1, 1)];
    const draft = [
      { token: 0, parent: ROOT, q: half }, // ends the text
      { token: 1, parent: ROOT, q: half },
      { token: 1, parent: 1, q: half },
    ];
    expect(accept({ draft, p: [sure, half, sure, sure] }, 0.1)).toEqual([1]);
  });

  it('accepts nothing of an empty draft', () => {
    expect(acceptJointTree([], [fakeDistribution(1)], { tau: 0.5 })).toEqual([]);
  });
});
