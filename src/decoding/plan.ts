import type { BatchToken, Keep } from '../engine/port.js';
import { pathTo } from '../math/draft-tree.js';
import { type Draft, type NodeIndex, type Prefix, ROOT, type TokenId } from '../types.js';
import { type Held, holdsAt } from './held.js';

/** How a cache gets from what it holds to the rows that are asked for. */
export interface Plan {
  /** What sequences hold before the pass. */
  readonly keeps: readonly Keep[];
  /** What is evaluated, parents before children. */
  readonly batch: readonly BatchToken[];
  /** For each wanted token of the batch in turn, the row of the answer that it is. */
  readonly rows: readonly number[];
}

/**
 * Spreads the paths to the wanted nodes over sequences, so that the branches which find most of their path in a
 * sequence get it. What is held and not wanted is not evaluated again.
 *
 * Where sequences share cells, what any of them holds serves every branch, and what several branches lack is
 * evaluated once for all of them: a tree in one pass, its branches told apart by their sequences. Sequences
 * without a branch then give up all but the prefix, so that the cells in use are bounded by prefix and tree.
 *
 * @param held per sequence, what its cache holds of this prefix and behind it
 * @param wanted nodes whose successors are asked for; row i of the answer belongs to wanted[i]
 * @throws RangeError when there are more branches than sequences
 */
export function planPass(
  held: readonly Held[],
  prefix: Prefix,
  tree: Draft,
  wanted: readonly NodeIndex[],
  sharesCells: boolean,
): Plan {
  const branches = branchesOf(prefix, tree, wanted);
  if (branches.length > held.length)
    throw new RangeError(`${branches.length} branches do not fit into ${held.length} sequences`);
  const inner = prefix.length - 1;
  const heldOfPrefix = held.map(({ shared }) => Math.min(inner, shared));
  const assigned = assign(branches, held, heldOfPrefix, inner, sharesCells);
  const { batch, rows } = batchOf(assigned, prefix, wanted, sharesCells);
  const keeps: Keep[] = assigned.map(({ keep }) => keep);
  if (sharesCells)
    for (const [sequence, length] of heldOfPrefix.entries())
      if (!keeps.some((keep) => keep.sequence === sequence))
        keeps.push({ sequence, from: sequence, length, alike: length });
  return { keeps, batch, rows };
}

/** The way from the last committed token to a wanted node with no wanted node below it. */
interface Branch {
  /** ROOT first, which is at position prefix.length - 1. */
  readonly nodes: readonly NodeIndex[];
  /** Of the nodes. */
  readonly tokens: readonly TokenId[];
  /** Index in `nodes`. */
  readonly firstWanted: number;
}

function branchesOf(prefix: Prefix, tree: Draft, wanted: readonly NodeIndex[]): Branch[] {
  const paths = wanted.map((node) => pathTo(tree, node));
  const isInner = (path: readonly NodeIndex[]) =>
    paths.some((other) => other.length > path.length && path.every((node, depth) => other[depth] === node));
  const isWanted = new Set(wanted);
  return paths
    .filter((path) => !isInner(path))
    .map((path) => {
      const nodes = [ROOT, ...path];
      const tokens = [prefix.at(-1)!, ...path.map((node) => tree[node]!.token)];
      return { nodes, tokens, firstWanted: nodes.findIndex((node) => isWanted.has(node)) };
    });
}

/**
 * Gives each branch a sequence, the longest match first, and says what that sequence is to hold before the pass. Where
 * cells are shared it may be another's tokens: that one was the better match, and so was given to a branch before,
 * for which it keeps at least as much.
 *
 * @param heldOfPrefix tokens of the prefix that each sequence holds: [0..inner]
 * @param inner position of the last committed token
 */
function assign(
  branches: readonly Branch[],
  held: readonly Held[],
  heldOfPrefix: readonly number[],
  inner: number,
  sharesCells: boolean,
): { branch: Branch; keep: Keep }[] {
  const offers = branches
    .flatMap((branch) =>
      held.map((one, sequence) => {
        let length = heldOfPrefix[sequence]!;
        const end = inner + branch.firstWanted; // a wanted node is evaluated anew
        if (length === inner)
          while (length < end && holdsAt(one, length, branch.tokens[length - inner]!)) length++;
        return { branch, sequence, length };
      }),
    )
    .sort((a, b) => b.length - a.length);

  const assigned = new Map<Branch, Keep>();
  const taken = new Set<number>();
  for (const { branch, sequence, length } of offers) {
    if (assigned.has(branch) || taken.has(sequence)) continue;
    taken.add(sequence);
    const best = offers.find((offer) => offer.branch === branch)!;
    const source = sharesCells && best.length > length ? best : { sequence, length };
    assigned.set(branch, keepOf(sequence, source, heldOfPrefix));
  }
  return [...assigned].map(([branch, keep]) => ({ branch, keep }));
}

/** The committed text that both hold is not copied again, however long it is. */
function keepOf(
  sequence: number,
  { sequence: from, length }: { readonly sequence: number; readonly length: number },
  heldOfPrefix: readonly number[],
): Keep {
  if (from === sequence) return { sequence, from, length, alike: length };
  return { sequence, from, length, alike: Math.min(length, heldOfPrefix[sequence]!, heldOfPrefix[from]!) };
}

/** What the branches lack of their texts: where cells are shared once for all of them, else for each. */
function batchOf(
  assigned: readonly { branch: Branch; keep: Keep }[],
  prefix: Prefix,
  wanted: readonly NodeIndex[],
  sharesCells: boolean,
): Pick<Plan, 'batch' | 'rows'> {
  const inner = prefix.length - 1;
  const unread = new Map(wanted.map((node, row) => [node, row])); // a node on several branches is read once
  const sequencesOf = new Map<NodeIndex, number[]>();
  const batch: BatchToken[] = [];
  const rows: number[] = [];
  for (const { branch, keep } of assigned)
    for (let position = keep.length; position < inner + branch.nodes.length; position++) {
      const node = branch.nodes[position - inner] ?? position - prefix.length; // below ROOT: earlier tokens
      const token = prefix[position] ?? branch.tokens[position - inner]!;
      const shared = sharesCells ? sequencesOf.get(node) : undefined;
      if (shared) {
        shared.push(keep.sequence);
        continue;
      }
      const sequences = [keep.sequence];
      sequencesOf.set(node, sequences);
      const row = unread.get(node);
      unread.delete(node);
      batch.push({ token, position, sequences, wanted: row !== undefined });
      if (row !== undefined) rows.push(row);
    }
  return { batch, rows };
}
