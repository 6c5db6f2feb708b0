import { describe, expect, it } from 'vitest';
import {
  depthsOf,
  jointLogQ,
  likeliestLeaf,
  pathsTo,
  pathTo,
  sumsAlongPaths,
} from '../../src/math/draft-tree.js';
import { type Draft, ROOT } from '../../src/types.js';
import { fakeChain, fakeDistribution } from '../support/fake-distribution.js';

const [half, quarter] = [fakeDistribution(1, 1), fakeDistribution(1, 3)]; // of token 0

/**
 *     ┌ 0 ┬ 2 ─ 3
 * root┤   └ 4
 *     └ 1
 */
const TREE: Draft = [
  { token: 0, parent: ROOT, q: half },
  { token: 1, parent: ROOT, q: half },
  { token: 0, parent: 0, q: quarter },
  { token: 0, parent: 2, q: half },
  { token: 1, parent: 0, q: quarter },
];
const CHAIN = fakeChain([0, half], [1, quarter], [0, half]);

describe('the shape of a draft', () => {
  it('has a path to each node, and an empty one to the root', () => {
    expect([ROOT, 0, 1, 2, 3, 4].map((node) => pathTo(TREE, node))).toEqual([
      [],
      [0],
      [1],
      [0, 2],
      [0, 2, 3],
      [0, 4],
    ]);
  });

  it('sums along each path', () => {
    expect(depthsOf(TREE)).toEqual([1, 1, 2, 3, 2]);
    expect(sumsAlongPaths(TREE, ({ token }) => 1 + 10 * token)).toEqual([1, 11, 2, 3, 12]);
    expect(jointLogQ(TREE).map(Math.exp)).toEqual([1 / 2, 1 / 2, 1 / 8, 1 / 16, 3 / 8].map(around));
    expect(depthsOf([])).toEqual([]);
  });

  it('has a likeliest leaf, which need not be the longest, and is not an inner node', () => {
    expect(likeliestLeaf(TREE)).toBe(1); // 1/2, as likely as node 0, which goes on
    expect(likeliestLeaf(pathsTo(TREE, [3, 4]))).toBe(3); // node 4, 3/8
    expect(likeliestLeaf(CHAIN)).toBe(2);
    expect(likeliestLeaf([])).toBe(ROOT);
  });

  it('takes the first of leaves that are equally likely', () => {
    expect(likeliestLeaf([0, 1].map((token) => ({ token, parent: ROOT, q: half })))).toBe(0);
  });

  it('can be cut down to the paths to some nodes', () => {
    expect(pathsTo(TREE, [4, 1])).toEqual([TREE[0], TREE[1], { ...TREE[4], parent: 0 }]);
    expect(pathsTo(TREE, [3])).toEqual([TREE[0], { ...TREE[2], parent: 0 }, { ...TREE[3], parent: 1 }]);
    expect(pathsTo(TREE, [1])).toEqual([TREE[1]]);
    expect(pathsTo(TREE, [3, 4, 1])).toEqual(TREE);
    expect(pathsTo(CHAIN, [2])).toEqual(CHAIN);
    expect(pathsTo(TREE, [ROOT])).toEqual([]);
  });
});

const around = (value: number) => expect.closeTo(value, 12);
