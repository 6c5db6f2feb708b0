import { describe, expect, it } from 'vitest';
import { commonPrefix, type Held } from '../../src/decoding/held.js';
import { type Plan, planPass } from '../../src/decoding/plan.js';
import { createRng } from '../../src/math/rng.js';
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

/** What a cache knows of sequences that hold these tokens. */
const knownOf = (held: readonly TokenId[][], prefix: Prefix): Held[] =>
  held.map((tokens) => {
    const shared = commonPrefix(tokens, prefix);
    return { shared, tail: shared === prefix.length ? tokens.slice(shared) : [] };
  });

const plan = ({ held, prefix, draft, wanted }: Request, sharesCells: boolean) =>
  planPass(knownOf(held, prefix), prefix, draft, wanted, sharesCells);

/** Whether no two nodes stand for the same text. */
const hasNoTwins = ({ draft }: Request) =>
  new Set(draft.map((_, node) => `${pathTo(draft, node)}`)).size === draft.length;

/** What the sequences hold when a plan is carried out, and the text that ends with each of its tokens. */
function carryOut(held: readonly TokenId[][], { keeps, batch }: Plan) {
  const after = held.map((tokens) => [...tokens]);
  for (const { sequence, from, length } of keeps) {
    expect(after[from]!.length).toBeGreaterThanOrEqual(length);
    after[sequence] = after[from]!.slice(0, length);
  }
  const texts = batch.map(({ token, position, sequences }) => {
    const before = sequences.map((sequence) => [...after[sequence]!]);
    for (const text of before) expect(text).toEqual(before[0]);
    expect(before[0]).toHaveLength(position);
    for (const sequence of sequences) after[sequence]!.push(token);
    return [...before[0]!, token];
  });
  return { after, texts };
}

describe.each([{ sharesCells: false }, { sharesCells: true }])(
  'planPass where sharesCells is $sharesCells',
  ({ sharesCells }) => {
    it('evaluates each wanted node once, behind the whole text that leads to it', () => {
      for (const request of randomRequests(1, 500)) {
        const { held, prefix, draft, wanted } = request;
        const planned = plan(request, sharesCells);
        const { texts } = carryOut(held, planned);
        const read = texts.filter((_, i) => planned.batch[i]!.wanted);
        expect(read).toEqual(planned.rows.map((row) => [...prefix, ...pathTo(draft, wanted[row]!)]));
        expect(planned.rows.toSorted((a, b) => a - b)).toEqual([...wanted.keys()]);
      }
    });

    it('gives no sequence two paths', () => {
      for (const request of randomRequests(2, 200)) {
        const sequences = plan(request, sharesCells).keeps.map(({ sequence }) => sequence);
        expect(new Set(sequences).size).toBe(sequences.length);
      }
    });

    it('evaluates nothing behind the last wanted node of a path', () => {
      for (const request of randomRequests(3, 200)) {
        const planned = plan(request, sharesCells);
        const { after } = carryOut(request.held, planned);
        const ends = request.wanted.map((node) => `${[...request.prefix, ...pathTo(request.draft, node)]}`);
        for (const sequence of new Set(planned.batch.flatMap(({ sequences }) => sequences)))
          expect(ends).toContain(`${after[sequence]}`);
      }
    });

    it('for one node evaluates only what no sequence holds of its path', () => {
      for (const { held, prefix, draft, wanted } of randomRequests(4, 500)) {
        const text = [...prefix, ...pathTo(draft, wanted[0]!)];
        const usable = held.map((tokens) => Math.min(text.length - 1, commonPrefix(tokens, text)));
        const { keeps, batch } = planPass(knownOf(held, prefix), prefix, draft, [wanted[0]!], sharesCells);
        expect(usable[keeps[0]!.sequence]).toBe(Math.max(...usable));
        expect(batch.map(({ token }) => token)).toEqual(text.slice(Math.max(...usable)));
      }
    });

    it('evaluates a held node again where its row is asked for', () => {
      expect(planPass(knownOf([[4, 2, 1]], [4, 2]), [4, 2], tree([1, ROOT]), [ROOT, 0], sharesCells)).toEqual(
        {
          keeps: [{ sequence: 0, from: 0, length: 1, alike: 1 }],
          batch: [
            { token: 2, position: 1, sequences: [0], wanted: true },
            { token: 1, position: 2, sequences: [0], wanted: true },
          ],
          nodes: [ROOT, 0],
          rows: [0, 1],
        },
      );
    });

    it('leaves alone what is neither wanted nor above a wanted node', () => {
      const branches = tree([1, ROOT], [2, 0], [3, ROOT], [4, 2]);
      const { batch } = planPass(knownOf([[], []], [0]), [0], branches, [2], sharesCells);
      expect(batch.map(({ token }) => token)).toEqual([0, 3]);
    });

    it('refuses more branches than there are sequences, and says how many', () => {
      const branches = tree([1, ROOT], [2, ROOT]);
      expect(() => planPass(knownOf([[]], [0]), [0], branches, [0, 1], sharesCells)).toThrow(
        /2 branches.*1 sequences/,
      );
    });
  },
);

describe('planPass where sequences share no cells', () => {
  it('copies nothing and gives every token to one sequence', () => {
    for (const request of randomRequests(5, 200)) {
      const { keeps, batch } = plan(request, false);
      for (const { sequence, from } of keeps) expect(from).toBe(sequence);
      for (const { sequences } of batch) expect(sequences).toHaveLength(1);
    }
  });

  it('lets no branch take the sequence of another that it holds less of', () => {
    // 1 and 2 stand after the prefix, each in its own sequence. Two branches go on from 1, one from 2.
    const branches = tree([1, ROOT], [2, ROOT], [3, 0], [4, 0], [3, 1]);
    const { batch } = planPass(knownOf([[0, 1], [0, 2], []], [0]), [0], branches, [2, 3, 4], false);
    expect(batch.filter(({ sequences }) => sequences[0] === 1).map(({ token }) => token)).toEqual([3]);
    expect(batch).toHaveLength(1 + 3 + 1);
  });
});

describe('planPass where sequences share cells', () => {
  it('evaluates no node that any sequence holds, but those that are wanted', () => {
    for (const { held, prefix, draft, wanted } of randomRequests(6, 500).filter(hasNoTwins)) {
      const { texts } = carryOut(held, planPass(knownOf(held, prefix), prefix, draft, wanted, true));
      expect(new Set(texts.map(String)).size).toBe(texts.length); // no place twice
      const isHeld = (text: TokenId[]) => held.some((tokens) => commonPrefix(tokens, text) === text.length);
      const firstWanted = (text: TokenId[]) =>
        wanted.some((node) => {
          const end = [...prefix, ...pathTo(draft, node)];
          return commonPrefix(end, text) === end.length;
        });
      for (const text of texts) expect(isHeld(text) && !firstWanted(text)).toBe(false);
    }
  });

  it('holds no more than the prefix and the branches that are evaluated', () => {
    for (const request of randomRequests(7, 500)) {
      const { keeps, batch } = plan(request, true);
      const { after } = carryOut(request.held, { keeps, batch, nodes: [], rows: [] });
      const branches = new Set(batch.flatMap(({ sequences }) => sequences));
      for (const [sequence, tokens] of after.entries())
        if (!branches.has(sequence))
          expect(commonPrefix(tokens, request.prefix.slice(0, -1))).toBe(tokens.length);
    }
  });

  it('moves a beam to another parent without evaluating anything of it', () => {
    // After 1 and 2 both surviving beams go on from 1.
    const branches = tree([1, ROOT], [2, ROOT], [3, 0], [4, 0]);
    const held = [
      [0, 1],
      [0, 2],
    ];
    expect(planPass(knownOf(held, [0]), [0], branches, [2, 3], true)).toEqual({
      keeps: [
        { sequence: 0, from: 0, length: 2, alike: 2 },
        { sequence: 1, from: 0, length: 2, alike: 0 },
      ],
      batch: [
        { token: 3, position: 2, sequences: [0], wanted: true },
        { token: 4, position: 2, sequences: [1], wanted: true },
      ],
      nodes: [2, 3],
      rows: [0, 1],
    });
  });

  it('evaluates a common beginning once, for all branches', () => {
    const branches = tree([1, ROOT], [2, 0], [3, 0]);
    const { batch } = planPass(knownOf([[], []], [0]), [0], branches, [ROOT, 1, 2], true);
    expect(batch.map(({ token, sequences }) => [token, sequences])).toEqual([
      [0, [0, 1]],
      [1, [0, 1]],
      [2, [0]],
      [3, [1]],
    ]);
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
