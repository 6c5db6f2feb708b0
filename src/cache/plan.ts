import { pathTo } from '../draft-tree.js';
import type { BatchToken } from '../engine/engine.js';
import { type Draft, type NodeIndex, type Prefix, ROOT, type TokenId } from '../types.js';

/** How a cache gets from what it holds to the rows that are asked for. */
export interface Plan {
  /** What sequences hold before the pass: the first `length` tokens of `from`, which may be the sequence itself. */
  readonly keeps: readonly Keep[];
  /** What is evaluated, parents before children. */
  readonly batch: readonly BatchToken[];
  /** For each wanted token of the batch in turn, the row of the answer that it is. */
  readonly rows: readonly number[];
}

export interface Keep {
  readonly sequence: number;
  readonly from: number;
  readonly length: number; // tokens
}

/**
 * Spreads the paths to the wanted nodes over sequences, so that the branches which find most of their path in a
 * sequence get it. What is held and not wanted is not evaluated again.
 *
 * Where sequences share cells, what any of them holds serves every branch, and what several branches lack is
 * evaluated once for all of them: a tree in one pass, its branches told apart by their sequences. Sequences
 * without a branch then give up all but the prefix, so that the cells in use are bounded by prefix and tree.
 *
 * @param held per sequence, the tokens that its cache holds
 * @param wanted nodes whose successors are asked for; row i of the answer belongs to wanted[i]
 * @throws RangeError when there are more branches than sequences
 */
export function planPass(
  held: readonly (readonly TokenId[])[],
  prefix: Prefix,
  tree: Draft,
  wanted: readonly NodeIndex[],
  sharesCells: boolean,
): Plan {
  const branches = branchesOf(tree, wanted);
  if (branches.length > held.length)
    throw new RangeError(`${branches.length} branches do not fit into ${held.length} sequences`);

  const inner = prefix.length - 1; // the last committed token is always evaluated anew
  const tokenAt = (path: Path, position: number) =>
    position <= inner ? prefix[position]! : tree[path[position - inner]!]!.token;
  const heldOfPrefix = held.map((tokens) => Math.min(inner, commonPrefix(tokens, prefix)));
  const offers = branches
    .flatMap((path) => {
      const end = inner + path.findIndex((node) => wanted.includes(node)); // a wanted node is evaluated anew
      return held.map((tokens, sequence) => {
        let length = heldOfPrefix[sequence]!;
        if (length === inner) while (length < end && tokens[length] === tokenAt(path, length)) length++;
        return { path, sequence, length };
      });
    })
    .sort((a, b) => b.length - a.length);

  const keeps = new Map<Path, Keep>();
  const taken = new Set<number>();
  for (const { path, sequence, length } of offers) {
    if (keeps.has(path) || taken.has(sequence)) continue;
    taken.add(sequence);
    const best = offers.find((offer) => offer.path === path)!; // its sequence keeps at least as much, if for another
    const from = sharesCells && best.length > length ? best : { sequence, length };
    keeps.set(path, { sequence, from: from.sequence, length: from.length });
  }

  const unread = new Map(wanted.map((node, row) => [node, row]));
  const shared = new Map<NodeIndex, { sequences: number[] }>();
  const batch: BatchToken[] = [];
  const rows: number[] = [];
  for (const [path, { sequence, length }] of keeps) {
    for (let position = length; position < inner + path.length; position++) {
      const node = path[position - inner] ?? position - prefix.length; // tokens of the prefix before ROOT: below it
      const others = sharesCells ? shared.get(node)?.sequences : undefined;
      if (others) {
        others.push(sequence);
        continue;
      }
      const item = {
        token: tokenAt(path, position),
        position,
        sequences: [sequence],
        wanted: unread.has(node),
      };
      batch.push(item);
      shared.set(node, item);
      if (item.wanted) rows.push(unread.get(node)!);
      unread.delete(node);
    }
  }
  const idle = sharesCells ? [...held.keys()].filter((sequence) => !taken.has(sequence)) : [];
  const cleared = idle.map((sequence) => ({ sequence, from: sequence, length: heldOfPrefix[sequence]! }));
  return { keeps: [...keeps.values(), ...cleared], batch, rows };
}

/** How many leading tokens two lists have in common. */
export function commonPrefix(a: readonly TokenId[], b: readonly TokenId[]): number {
  const limit = Math.min(a.length, b.length);
  let n = 0;
  while (n < limit && a[n] === b[n]) n++;
  return n;
}

/** The nodes from ROOT, the last committed token, to one of the tree. */
type Path = readonly NodeIndex[];

/** One path for each wanted node with no wanted node below it: what no sequence may lack. */
function branchesOf(tree: Draft, wanted: readonly NodeIndex[]): Path[] {
  const paths = wanted.map((node) => [ROOT, ...pathTo(tree, node)]);
  const isInner = (path: Path) =>
    paths.some((other) => other.length > path.length && path.every((node, depth) => other[depth] === node));
  return paths.filter((path) => !isInner(path));
}
