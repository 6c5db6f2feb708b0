import type { NextTokens } from '../../src/drafting/drafter.js';
import type { Truncation } from '../../src/math/truncate.js';
import { type Draft, type NodeIndex, ROOT, type TokenId } from '../../src/types.js';
import { distributionAfter, type FakeModel } from './fake-model.js';

/** The tokens on the way down to a node of a draft, that node included. */
export function pathTo(tree: Draft, node: NodeIndex): TokenId[] {
  return node === ROOT ? [] : [...pathTo(tree, tree[node]!.parent), tree[node]!.token];
}

/** A model that answers without a cache, and notes how many branches it was asked for each time. */
export function fakeNextTokens(model: FakeModel, truncation: Truncation): NextTokens & { asked: number[] } {
  const asked: number[] = [];
  const next: NextTokens = async (prefix, tree, nodes) => {
    asked.push(nodes.length);
    return nodes.map((node) => distributionAfter(model, [...prefix, ...pathTo(tree, node)], truncation));
  };
  return Object.assign(next, { asked });
}
