import { describe, expect, it } from 'vitest';
import { commonPrefix, planPaths, type SequenceWork } from '../../src/cache/plan.js';
import { createRng } from '../../src/sampling/rng.js';
import { type Draft, type NodeIndex, type Prefix, ROOT, type TokenId } from '../../src/types.js';
import { fakeDistribution } from '../support/fake-distribution.js';
import { pathTo } from '../support/fake-next-tokens.js';
import { randomRequest, randomTokens } from './random-request.js';

const Q = fakeDistribution(1);

const tree = (...nodes: [token: TokenId, parent: NodeIndex][]): Draft =>
  nodes.map(([token, parent]) => ({ token, parent, q: Q }));

interface Request {
  readonly held: TokenId[][];
  readonly prefix: Prefix;
  readonly draft: Draft;
  readonly wanted: NodeIndex[];
}

/** Sequences hold what earlier requests may have left there: a part of the prefix, and something else behind it. */
function randomRequests(seed: number, count: number): Request[] {
  const rng = createRng(seed);
  return Array.from({ length: count }, () => {
    const { prefix, draft, wanted } = randomRequest(rng, 4);
    const held = Array.from({ length: 4 }, () => {
      const text = [...prefix, ...pathTo(draft, Math.floor(rng() * (draft.length + 1)) - 1)];
      return [...text.slice(0, Math.floor(rng() * (text.length + 1))), ...randomTokens(rng, 2)];
    });
    return { held, prefix, draft, wanted };
  });
}

const plan = ({ held, prefix, draft, wanted }: Request) => planPaths(held, prefix, draft, wanted);

/** What a sequence holds when its work is done. */
const textAfter = (held: readonly TokenId[][], { sequence, keep, tokens }: SequenceWork) => [
  ...held[sequence]!.slice(0, keep),
  ...tokens,
];

const evaluated = (work: readonly SequenceWork[]) => work.reduce((sum, { tokens }) => sum + tokens.length, 0);

describe('planPaths', () => {
  it('evaluates each wanted node once, behind the whole text that leads to it', () => {
    for (const request of randomRequests(1, 500)) {
      const work = plan(request);
      const answered: number[] = [];
      for (const one of work) {
        expect(one.keep).toBeLessThanOrEqual(request.held[one.sequence]!.length);
        for (const [index, row] of one.wanted) {
          answered.push(row);
          const text = textAfter(request.held, one).slice(0, one.keep + index + 1);
          expect(text).toEqual([...request.prefix, ...pathTo(request.draft, request.wanted[row]!)]);
        }
      }
      expect(answered.sort((a, b) => a - b)).toEqual([...request.wanted.keys()]);
    }
  });

  it('gives no sequence two paths', () => {
    for (const request of randomRequests(2, 200)) {
      const sequences = plan(request).map(({ sequence }) => sequence);
      expect(new Set(sequences).size).toBe(sequences.length);
    }
  });

  it('evaluates nothing behind the last wanted node of a path', () => {
    for (const request of randomRequests(3, 200))
      for (const { tokens, wanted } of plan(request))
        expect(Math.max(...wanted.keys())).toBe(tokens.length - 1);
  });

  it('for one node takes the sequence that holds most of its path, and evaluates only the rest', () => {
    for (const { held, prefix, draft, wanted } of randomRequests(4, 500)) {
      const text = [...prefix, ...pathTo(draft, wanted[0]!)];
      const usable = held.map((tokens) => Math.min(text.length - 1, commonPrefix(tokens, text)));
      const [work] = planPaths(held, prefix, draft, [wanted[0]!]);
      expect(usable[work!.sequence]).toBe(Math.max(...usable));
      expect(work!.tokens).toEqual(text.slice(Math.max(...usable)));
    }
  });

  it('evaluates a held node again where its row is asked for', () => {
    const [work] = planPaths([[4, 2, 1]], [4, 2], tree([1, ROOT]), [ROOT, 0]);
    expect(work).toEqual({
      sequence: 0,
      keep: 1,
      tokens: [2, 1],
      wanted: new Map([
        [0, 0],
        [1, 1],
      ]),
    });
  });

  it('leaves alone what is neither wanted nor above a wanted node', () => {
    const branches = tree([1, ROOT], [2, 0], [3, ROOT], [4, 2]);
    const work = planPaths([[], []], [0], branches, [2]);
    expect(work.map(({ tokens }) => tokens)).toEqual([[0, 3]]);
  });

  it('lets no branch take the sequence of another that it holds less of', () => {
    // 1 and 2 stand after the prefix, each in its own sequence. Two branches go on from 1, one from 2.
    const branches = tree([1, ROOT], [2, ROOT], [3, 0], [4, 0], [3, 1]);
    const work = planPaths([[0, 1], [0, 2], []], [0], branches, [2, 3, 4]);
    expect(work.find(({ sequence }) => sequence === 1)!.tokens).toEqual([3]);
    expect(evaluated(work)).toBe(1 + 3 + 1);
  });

  it('refuses more branches than there are sequences, and says how many', () => {
    const branches = tree([1, ROOT], [2, ROOT]);
    expect(() => planPaths([[]], [0], branches, [0, 1])).toThrow(/2 branches.*1 sequences/);
  });
});

describe('commonPrefix', () => {
  it('counts the leading tokens that two texts share', () => {
    expect(commonPrefix([1, 2, 3], [1, 2, 4, 3])).toBe(2);
    expect(commonPrefix([1, 2], [1, 2, 3])).toBe(2);
    expect(commonPrefix([], [1])).toBe(0);
    expect(commonPrefix([2, 1], [1, 2])).toBe(0);
  });
});
