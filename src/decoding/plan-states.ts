import type { Keep } from '../engine/passes.js';
import type { Draft, NodeIndex, Prefix } from '../types.js';
import { type Held, holdsAt } from './held.js';
import { type Branch, batchOf, branchesOf, fillOf, type Plan } from './plan.js';

/**
 * Tokens that are evaluated again in front of a draft at most. Beyond, they are evaluated once more in the sequence that
 * holds the text, which takes a pass of its own.
 */
export const REPLAY_LIMIT = 8;

/** The sequences of a model with recurrent layers. Its states cannot be cut back, or only a little. */
export interface States {
  /** The tokens that each sequence holds for certain. */
  readonly held: readonly Held[];
  /** The number of tokens that each sequence holds in the engine: as many, or more. */
  readonly lengths: readonly number[];
  /** The fewest tokens to which each sequence can be cut back without forgetting all. */
  readonly least: readonly number[];
  /** The most tokens that a sequence can forget; see `Context.rollback`. */
  readonly rollback: number;
}

/** The sequence that holds most of the committed text without its last token, and so can be gone on with. */
export interface Base {
  readonly sequence: number;
  /** In tokens. */
  readonly length: number;
}

export function baseOf({ held, least }: States, prefix: Prefix): Base {
  let base = { sequence: 0, length: 0 };
  for (const [sequence, { shared }] of held.entries()) {
    const length = Math.min(shared, prefix.length - 1);
    if (length >= least[sequence]! && length > base.length) base = { sequence, length };
  }
  return base;
}

/**
 * Plans one pass where sequences keep states. A branch goes on from the sequence that holds most of its path, or from a copy
 * of it. Two sequences stay as they are where there are others to write to: the base, from which this step can be evaluated
 * again; and the newest one, which holds the most committed text and is the base of the next step.
 *
 * Where the next pass can take back all guesses of a branch, the branch goes on in the sequence itself: nothing is then
 * evaluated twice.
 *
 * @param wanted the nodes whose logits are wanted; row i of the answer belongs to wanted[i]
 * @throws RangeError where there are more branches than sequences
 */
export function planStates(states: States, prefix: Prefix, tree: Draft, wanted: readonly NodeIndex[]): Plan {
  const branches = branchesOf(prefix, tree, wanted);
  if (branches.length > states.held.length)
    throw new RangeError(`${branches.length} branches do not fit into ${states.held.length} sequences`);
  const base = baseOf(states, prefix);
  const places = new Places(states, base.length > 0 ? base.sequence : -1, newestOf(states));
  const sources = withoutContested(branches.map((branch) => sourceOf(branch, states, prefix)));
  const assigned = sources.map((source, i) => {
    const branch = branches[i]!;
    const guesses = branch.nodes.length - 1;
    const later = sources.slice(i + 1).map(({ sequence }) => sequence);
    return { branch, keep: places.keepFor(source, guesses <= states.rollback, later) };
  });
  const copies = assigned.filter(({ keep }) => keep.from !== keep.sequence).map(({ keep }) => keep);
  const others = assigned.filter(({ keep }) => keep.from === keep.sequence).map(({ keep }) => keep);
  const used = new Set(assigned.map(({ keep }) => keep.sequence));
  return {
    keeps: [...copies, ...others, ...emptied(states, used)],
    ...batchOf(assigned, prefix, wanted, false),
  };
}

/**
 * Plans to evaluate committed tokens where they are, in the base.
 * @param end number of tokens that it is to hold then: (base.length..prefix.length - 1]
 */
export function planAdvance(
  states: States,
  prefix: Prefix,
  { sequence, length }: Base,
  end: number,
): Pick<Plan, 'keeps' | 'batch'> {
  const keep = { sequence, from: sequence, length, alike: length };
  return {
    keeps: [keep, ...emptied(states, new Set([sequence]))],
    batch: fillOf(prefix, length, end, sequence),
  };
}

/** Plans a copy of a sequence, to come back to when it has gone on. Undefined: there is no other sequence. */
export function planCopy({ held }: States, { sequence: from, length }: Base): Keep | undefined {
  const sequence = held.findIndex((_, other) => other !== from);
  return sequence < 0 ? undefined : { sequence, from, length, alike: 0 };
}

interface Source extends Base {
  /** Whether the sequence holds these tokens and no others: such a one can be copied. */
  readonly isWhole: boolean;
}

/** The sequence that holds most of a branch. A wanted node is always evaluated. */
function sourceOf({ tokens, firstWanted }: Branch, { held, lengths, least }: States, prefix: Prefix): Source {
  const inner = prefix.length - 1;
  let source = NONE;
  for (const [sequence, one] of held.entries()) {
    let length = Math.min(inner, one.shared);
    if (length === inner)
      while (length < inner + firstWanted && holdsAt(one, length, tokens[length - inner]!)) length++;
    if (length < least[sequence]! || length <= source.length) continue;
    source = { sequence, length, isWhole: length === lengths[sequence] };
  }
  return source;
}

const NONE: Source = { sequence: -1, length: 0, isWhole: false };

/** A sequence that is copied for one branch cannot be cut back for another, which then begins anew. */
function withoutContested(sources: readonly Source[]): Source[] {
  return sources.map((source) => {
    const isShared = sources.filter(({ sequence }) => sequence === source.sequence).length > 1;
    return isShared && !source.isWhole ? NONE : source;
  });
}

/** The sequence that holds the most committed text and nothing else; -1: there is none. */
function newestOf({ held, least }: States): number {
  let newest = -1;
  for (const [sequence, { shared, tail }] of held.entries())
    if (tail.length === 0 && shared > 0 && shared >= least[sequence]!)
      if (newest < 0 || shared > held[newest]!.shared) newest = sequence;
  return newest;
}

/** Assigns the sequences that a plan writes to. */
class Places {
  readonly #states: States;
  readonly #kept: ReadonlySet<number>;
  readonly #taken = new Set<number>();

  constructor(states: States, ...kept: readonly number[]) {
    this.#states = states;
    this.#kept = new Set(kept);
  }

  /**
   * @param comesBack whether the next pass can take back all guesses of the branch
   * @param later sequences that later branches go on from
   */
  keepFor(source: Source, comesBack: boolean, later: readonly number[]): Keep {
    const { sequence, length, isWhole } = source;
    const isFree = sequence >= 0 && !this.#taken.has(sequence) && !later.includes(sequence);
    const other = this.#leastUseful(new Set([sequence, ...later]));
    const isWorthCopying =
      this.#kept.has(sequence) &&
      isWhole &&
      other !== undefined &&
      !this.#kept.has(other) &&
      (!comesBack || this.#use(other) === 0);
    if (isFree && !isWorthCopying) return this.#take(sequence, sequence, length);
    return isWhole ? this.#take(other!, sequence, length) : this.#take(other!, other!, 0);
  }

  #take(sequence: number, from: number, length: number): Keep {
    this.#taken.add(sequence);
    return { sequence, from, length, alike: sequence === from ? length : 0 };
  }

  /** There is one as long as there are no more branches than sequences, but for the last branch. */
  #leastUseful(without: ReadonlySet<number>): number | undefined {
    const isKept = (sequence: number) => Number(this.#kept.has(sequence));
    return [...this.#states.held.keys()]
      .filter((other) => !without.has(other) && !this.#taken.has(other))
      .sort((a, b) => isKept(a) - isKept(b) || this.#use(a) - this.#use(b))[0];
  }

  /** Tokens of the committed text that a sequence can be cut back to; 0 for a draft that cannot. */
  #use(sequence: number): number {
    const { shared } = this.#states.held[sequence]!;
    return shared >= this.#states.least[sequence]! ? shared : 0;
  }
}

/** Sequences that a plan does not use, and that hold more than committed text, are emptied, so that cells in use are bounded. */
function emptied({ held, lengths }: States, used: ReadonlySet<number>): Keep[] {
  return [...held.entries()]
    .filter(([sequence, { shared, tail }]) => {
      const isCommitted = tail.length === 0 && shared === lengths[sequence];
      return !used.has(sequence) && !isCommitted;
    })
    .map(([sequence]) => ({ sequence, from: sequence, length: 0, alike: 0 }));
}
