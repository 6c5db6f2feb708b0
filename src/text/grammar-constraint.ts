import type { GrammarState } from '../engine/port.js';
import { pathTo } from '../math/draft-tree.js';
import type { Constraint } from '../math/truncate.js';
import type { Draft, Mask, NodeIndex, Prefix, TokenId } from '../types.js';

/**
 * Keeps a text within a grammar. It remembers the states of all drafted branches in a trie, whose root moves forward with
 * the text. So each state is computed once for both models.
 */
export class GrammarConstraint implements Constraint {
  readonly #banned: ReadonlySet<TokenId>;
  #root: Branch;
  #length: number; // tokens of the prefix up to the root

  /**
   * @param start the state in which the text goes on
   * @param promptLength number of tokens before that, to which the grammar does not apply any more
   * @param banned tokens that are forbidden even where the grammar allows them
   */
  constructor(start: GrammarState, promptLength: number, banned: ReadonlySet<TokenId> = new Set()) {
    this.#banned = banned;
    this.#root = new Branch(start);
    this.#length = promptLength;
  }

  masks(prefix: Prefix, tree: Draft, nodes: readonly NodeIndex[]): readonly Mask[] {
    const root = this.#at(prefix);
    return nodes.map((node) => {
      const tokens = pathTo(tree, node).map((n) => tree[n]!.token);
      const { state } = tokens.reduce((branch, token) => branch.after(token), root);
      return { allows: (token) => !this.#banned.has(token) && state.allows(token) };
    });
  }

  /** Whether the text may end here. */
  isComplete(prefix: Prefix): boolean {
    return this.#at(prefix).state.isComplete;
  }

  #at(prefix: Prefix): Branch {
    if (prefix.length < this.#length)
      throw new RangeError(`The text has ${prefix.length} tokens and had ${this.#length} before`);
    while (this.#length < prefix.length) this.#root = this.#root.after(prefix[this.#length++]!);
    return this.#root;
  }
}

/** A state of the grammar, and the states that were reached from it. */
class Branch {
  readonly state: GrammarState;
  readonly #next = new Map<TokenId, Branch>();

  constructor(state: GrammarState) {
    this.state = state;
  }

  after(token: TokenId): Branch {
    const known = this.#next.get(token);
    if (known) return known;
    const next = new Branch(this.state.after(token));
    this.#next.set(token, next);
    return next;
  }
}
