import { type Draft, type NodeIndex, type Prefix, ROOT, type TokenId } from '../types.js';

/** What one sequence must do so that the wanted nodes on its path are evaluated. */
export interface SequenceWork {
  readonly sequence: number;
  readonly keep: number; // tokens of the sequence that stay
  readonly tokens: readonly TokenId[]; // to evaluate after them
  readonly wanted: ReadonlyMap<number, number>; // index in `tokens` -> row of the answer
}

/** The end of a path that no sequence may lack: the last committed token and the draft tokens after it. */
interface Branch {
  readonly tokens: readonly TokenId[]; // the first one is at position prefix.length - 1
  readonly rows: ReadonlyMap<number, number>; // index in `tokens` -> row of the answer
}

/**
 * Spreads the paths to the wanted nodes over sequences that share no cells, so that the branches which find
 * most of their path in a sequence get it. What is held and not wanted is not evaluated again.
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
  const branches = branchesOf(prefix, tree, wanted);
  if (branches.length > held.length)
    throw new RangeError(`${branches.length} branches do not fit into ${held.length} sequences`);

  const inner = prefix.length - 1; // the last committed token is always evaluated anew
  const heldOfPrefix = held.map((tokens) => Math.min(inner, commonPrefix(tokens, prefix)));
  const usable = ({ tokens, rows }: Branch, sequence: number) => {
    const shared = heldOfPrefix[sequence]!;
    if (shared < inner) return shared;
    return inner + Math.min(commonPrefix(held[sequence]!.slice(inner), tokens), ...rows.keys());
  };
  const offers = branches
    .flatMap((branch) =>
      [...held.keys()].map((sequence) => ({ branch, sequence, keep: usable(branch, sequence) })),
    )
    .sort((a, b) => b.keep - a.keep);

  const work = new Map<Branch, SequenceWork>();
  const taken = new Set<number>();
  for (const { branch, sequence, keep } of offers) {
    if (work.has(branch) || taken.has(sequence)) continue;
    taken.add(sequence);
    work.set(branch, {
      sequence,
      keep,
      tokens: [...prefix.slice(keep, inner), ...branch.tokens.slice(Math.max(0, keep - inner))],
      wanted: new Map([...branch.rows].map(([index, row]) => [inner + index - keep, row])),
    });
  }
  return [...work.values()];
}

/** How many leading tokens two lists have in common. */
export function commonPrefix(a: readonly TokenId[], b: readonly TokenId[]): number {
  const limit = Math.min(a.length, b.length);
  let n = 0;
  while (n < limit && a[n] === b[n]) n++;
  return n;
}

/** One branch for each wanted node with no wanted node below it. A node on several of them is read on the first. */
function branchesOf(prefix: Prefix, tree: Draft, wanted: readonly NodeIndex[]): Branch[] {
  const paths = wanted.map((node) => {
    const path: NodeIndex[] = [];
    for (let n = node; n !== ROOT; n = tree[n]!.parent) path.unshift(n);
    return [ROOT, ...path];
  });
  const isInner = (path: NodeIndex[]) =>
    paths.some((other) => other.length > path.length && path.every((node, depth) => other[depth] === node));
  const unread = new Map(wanted.map((node, row) => [node, row]));

  return paths
    .filter((path) => !isInner(path))
    .map((path) => {
      const rows = new Map<number, number>();
      path.forEach((node, index) => {
        const row = unread.get(node);
        if (row !== undefined && unread.delete(node)) rows.set(index, row);
      });
      return { tokens: path.map((node) => (node === ROOT ? prefix.at(-1)! : tree[node]!.token)), rows };
    });
}
