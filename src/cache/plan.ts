import { type Draft, type NodeIndex, type Prefix, ROOT, type TokenId } from '../types.js';

/** What one sequence must do so that the wanted nodes on its path are evaluated. */
export interface SequenceWork {
  readonly sequence: number;
  readonly keep: number; // tokens of the sequence that stay
  readonly tokens: readonly TokenId[]; // to evaluate after them
  readonly wanted: ReadonlyMap<number, number>; // index in `tokens` -> row of the answer
}

/**
 * Spreads the paths to the wanted nodes over sequences that share no cells: every leaf gets the sequence
 * that already holds most of its path. What is held and not wanted is not evaluated again.
 *
 * @param held per sequence, the tokens that its cache holds
 * @param wanted nodes whose successors are asked for; row i of the answer belongs to wanted[i]
 */
export function planPaths(
  held: readonly (readonly TokenId[])[],
  prefix: Prefix,
  tree: Draft,
  wanted: readonly NodeIndex[],
): SequenceWork[] {
  const paths = pathsToLeaves(tree, wanted);
  if (paths.length > held.length)
    throw new RangeError(`${paths.length} branches do not fit into ${held.length} sequences`);

  const inner = prefix.length - 1; // the last committed token is always evaluated anew
  const heldOfPrefix = held.map((tokens) => Math.min(inner, commonPrefix(tokens, prefix)));
  const pending = new Map(wanted.map((node, row) => [node, row]));
  const free = new Set(held.keys());

  return paths.map((path) => {
    const tokens = [prefix[inner]!, ...path.map((node) => tree[node]!.token)];
    const nodes = [ROOT, ...path];
    const firstWanted = inner + nodes.findIndex((node) => pending.has(node));
    const usable = (sequence: number) => {
      const shared = heldOfPrefix[sequence]!;
      const whole = shared < inner ? shared : inner + commonPrefix(held[sequence]!.slice(inner), tokens);
      return Math.min(whole, firstWanted);
    };
    const sequence = [...free].reduce((best, s) => (usable(s) > usable(best) ? s : best));
    free.delete(sequence);

    const keep = usable(sequence);
    const first = Math.max(inner, keep);
    const rows = new Map<number, number>();
    nodes.forEach((node, depth) => {
      const row = pending.get(node);
      if (row !== undefined && pending.delete(node)) rows.set(inner + depth - keep, row);
    });
    return {
      sequence,
      keep,
      tokens: [...prefix.slice(keep, inner), ...tokens.slice(first - inner)],
      wanted: rows,
    };
  });
}

/** How many leading tokens two lists have in common. */
export function commonPrefix(a: readonly TokenId[], b: readonly TokenId[]): number {
  const limit = Math.min(a.length, b.length);
  let n = 0;
  while (n < limit && a[n] === b[n]) n++;
  return n;
}

/** For each wanted node with no wanted node below it, the nodes from the root down to it. */
function pathsToLeaves(tree: Draft, wanted: readonly NodeIndex[]): NodeIndex[][] {
  const paths = wanted.map((node) => {
    const path: NodeIndex[] = [];
    for (let n = node; n !== ROOT; n = tree[n]!.parent) path.unshift(n);
    return path;
  });
  const isInner = (leaf: NodeIndex[]) =>
    paths.some((other) => other.length > leaf.length && leaf.every((node, depth) => other[depth] === node));
  return paths.filter((path) => !isInner(path));
}
