import { describe, expect, it } from 'vitest';
import type { GrammarState } from '../../src/engine/port.js';
import { GrammarConstraint } from '../../src/text/grammar-constraint.js';
import { type Draft, ROOT, type TokenId } from '../../src/types.js';
import { fakeDistribution } from '../support/fake-distribution.js';
import { fakeGrammar } from '../support/fake-grammar.js';

const q = fakeDistribution(1);
/** 3 4 and 3 2: two branches from one node. */
const TREE: Draft = [
  { token: 3, parent: ROOT, q },
  { token: 4, parent: 0, q },
  { token: 2, parent: 0, q },
];

/** The same grammar, with a note of every step that was taken in it. */
function noted(steps: string[], state = fakeGrammar(), text: readonly TokenId[] = []): GrammarState {
  return {
    isComplete: state.isComplete,
    allows: (token) => state.allows(token),
    after(token) {
      steps.push([...text, token].join(' '));
      return noted(steps, state.after(token), [...text, token]);
    },
  };
}

const allowed = (mask: { allows(token: TokenId): boolean }) =>
  [0, 1, 2, 3, 4, 5].filter((t) => mask.allows(t));

describe('GrammarConstraint', () => {
  it('gives the mask of each node, whatever the prompt was', () => {
    const masks = new GrammarConstraint(fakeGrammar(), 2).masks([0, 0], TREE, [2, ROOT, 1]);
    expect(masks.map(allowed)).toEqual([
      allowed(fakeGrammar([3, 2])),
      allowed(fakeGrammar()),
      allowed(fakeGrammar([3, 4])),
    ]);
  });

  it('goes each way once, also when the text has moved on', () => {
    const steps: string[] = [];
    const constraint = new GrammarConstraint(noted(steps), 2);
    constraint.masks([0, 0], TREE, [1, 2]);
    constraint.masks([0, 0], TREE, [ROOT, 0, 1]);
    expect(steps).toEqual(['3', '3 4', '3 2']);
    constraint.masks([0, 0, 3, 4], [], [ROOT]);
    expect(steps).toHaveLength(3);
    constraint.masks([0, 0, 3, 4, 1], [], [ROOT]);
    expect(steps).toEqual(['3', '3 4', '3 2', '3 4 1']);
  });

  it('says whether the text may end', () => {
    const constraint = new GrammarConstraint(fakeGrammar(), 1);
    expect(constraint.isComplete([0])).toBe(false);
    expect(constraint.isComplete([0, 3, 4])).toBe(true);
  });

  it('refuses a text that has become shorter', () => {
    const constraint = new GrammarConstraint(fakeGrammar(), 1);
    constraint.masks([0, 3, 4], [], [ROOT]);
    expect(() => constraint.masks([0, 3], [], [ROOT])).toThrow(RangeError);
  });
});
