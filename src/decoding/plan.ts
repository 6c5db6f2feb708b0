import type { BatchToken, Keep } from '../engine/passes.js';
import { pathTo } from '../math/draft-tree.js';
import { type Draft, type Mask, type NodeIndex, type Prefix, ROOT, type TokenId } from '../types.js';
import { type Held, holdsAt } from './held.js';

/** The steps from the tokens that a cache holds to the rows that are wanted. */
export interface Plan {
  /** The tokens that the sequences are to hold before the pass. */
  readonly keeps: readonly Keep[];
  /** The tokens to evaluate, parents before children. */
  readonly batch: readonly BatchToken[];
  /** The node of each token of the batch; below ROOT for earlier tokens of the text. */
  readonly nodes: readonly NodeIndex[];
  /** For each wanted token of the batch, in order, its row in the answer. */
  readonly rows: readonly number[];
}

/**
 * Plans one pass. It assigns the paths to the wanted nodes to sequences, so that each branch gets the sequence that holds
 * most of its path. Tokens that are held and not wanted are not evaluated again.
 *
 * Where sequences share cells, the tokens of any sequence serve every branch. A token that several branches lack is
 * evaluated once for all of them. So a tree takes one pass, and its branches differ by their sequences. Sequences without
 * a branch then keep only the prefix, so that prefix and tree bound the number of cells in use.
 *
 * @param held for each sequence, the tokens of this prefix that it holds, and the tail behind them
 * @param wanted the nodes whose logits are wanted; row i of the answer belongs to wanted[i]
 * @throws RangeError where there are more branches than sequences
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
  const evaluated = batchOf(assigned, prefix, wanted, sharesCells);
  const keeps: Keep[] = assigned.map(({ keep }) => keep);
  if (sharesCells)
    for (const [sequence, length] of heldOfPrefix.entries())
      if (!keeps.some((keep) => keep.sequence === sequence))
        keeps.push({ sequence, from: sequence, length, alike: length });
  return { keeps, ...evaluated };
}

/** The path from the last committed token to a wanted node that has no wanted node below it. */
export interface Branch {
  /** ROOT, at position prefix.length - 1, then the nodes down to the last. */
  readonly nodes: readonly NodeIndex[];
  /** The tokens of these nodes. */
  readonly tokens: readonly TokenId[];
  /** The index in `nodes` of the first wanted node. */
  readonly firstWanted: number;
}

export function branchesOf(prefix: Prefix, tree: Draft, wanted: readonly NodeIndex[]): Branch[] {
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
 * Assigns a sequence to each branch, the longest match first, and returns the tokens that each sequence is to hold before
 * the pass. Where cells are shared, these may be the tokens of another sequence. That sequence was a better match, so it was
 * assigned to an earlier branch, for which it keeps at least as many tokens.
 *
 * @param heldOfPrefix number of tokens of the prefix that each sequence holds: [0..inner]
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
        const end = inner + branch.firstWanted; // a wanted node is always evaluated
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

/** Returns a copy that leaves the committed text alone that both sequences hold. */
function keepOf(
  sequence: number,
  { sequence: from, length }: { readonly sequence: number; readonly length: number },
  heldOfPrefix: readonly number[],
): Keep {
  if (from === sequence) return { sequence, from, length, alike: length };
  return { sequence, from, length, alike: Math.min(length, heldOfPrefix[sequence]!, heldOfPrefix[from]!) };
}

/** Returns the tokens that the branches lack: where cells are shared once for all branches, else once for each. */
export function batchOf(
  assigned: readonly { branch: Branch; keep: Keep }[],
  prefix: Prefix,
  wanted: readonly NodeIndex[],
  sharesCells: boolean,
): Omit<Plan, 'keeps'> {
  const inner = prefix.length - 1;
  const unread = new Map(wanted.map((node, row) => [node, row])); // a node on several branches is read once
  const sequencesOf = new Map<NodeIndex, number[]>();
  const batch: BatchToken[] = [];
  const nodes: NodeIndex[] = [];
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
      nodes.push(node);
      if (row !== undefined) rows.push(row);
    }
  return { batch, nodes, rows };
}

/**
 * Returns the plan with the tokens that may follow each wanted token.
 * @param masks one for each row of the answer
 */
export function masked(plan: Plan, masks: readonly Mask[]): Plan {
  const rows = plan.rows.values(); // one for each wanted token, in order
  const batch = plan.batch.map((item) =>
    item.wanted ? { ...item, mask: masks[rows.next().value!]! } : item,
  );
  return { ...plan, batch };
}

/** Returns the tokens [from..to) of the committed text, to be evaluated in one sequence and not read. */
export function fillOf(prefix: Prefix, from: number, to: number, sequence: number): BatchToken[] {
  return prefix.slice(from, to).map((token, i) => {
    return { token, position: from + i, sequences: [sequence], wanted: false };
  });
}

/** Returns what makes each sequence keep all that it holds. */
export function keepAll(held: readonly Held[]): Keep[] {
  return held.map(({ shared, tail }, sequence) => {
    const length = shared + tail.length;
    return { sequence, from: sequence, length, alike: length };
  });
}

/**
 * Returns copies of a sequence that holds the first `length` tokens of the text, for the sequences that hold fewer.
 * @param shared for each sequence, the number of tokens of the text that it holds
 */
export function copiesOf(from: number, length: number, shared: readonly number[]): Keep[] {
  return shared.flatMap((alike, sequence) =>
    sequence !== from && alike < length ? [{ sequence, from, length, alike }] : [],
  );
}
