import type { Context } from '../engine/passes.js';
import { pathTo } from '../math/draft-tree.js';
import { sum } from '../math/sum.js';
import type { Draft, NodeIndex, Prefix, TopLogits } from '../types.js';
import type { HeadFeed } from './head-feed.js';
import { ModelCache, type NodeReadRequest } from './model-cache.js';
import { together, type Work } from './work.js';

/** Tokens of the text that a layer may lack before it reads them without a guess to make. */
const MOST_LACKING = 64;

/**
 * The cache of a drafting head, or of a chain of them: then each guess in a row has a decoder layer of its own. The first
 * layer says what may follow the text, the second what may follow the first guess, and so on. Each layer has a KV cache of
 * its own. It reads the text with the target's hidden states, and guesses with those of the layers that made them, so for a
 * guess it reads all guesses before.
 */
export class HeadCache extends ModelCache {
  readonly #deeper: readonly ModelCache[];

  /** @param contexts one for each layer, the first one first */
  constructor([first, ...deeper]: readonly Context[], feed: HeadFeed) {
    super(first!, { feed });
    this.#deeper = deeper.map((context) => new ModelCache(context, { feed }));
  }

  /** A single layer makes guesses of any number. */
  override get reach(): number {
    return this.#deeper.length > 0 ? 1 + this.#deeper.length : Infinity;
  }

  override get work(): Work {
    return together([super.work, ...this.#deeper.map(({ work }) => work)]);
  }

  override get shared(): number {
    return Math.min(super.shared, ...this.#deeper.map(({ shared }) => shared));
  }

  /** Behind more guesses than there are layers, the last layer says what may follow. */
  override async evaluate(
    prefix: Prefix,
    tree: Draft,
    wanted: readonly NodeIndex[],
    read: NodeReadRequest,
  ): Promise<TopLogits[]> {
    const layers = wanted.map((node) => Math.min(pathTo(tree, node).length, this.#deeper.length));
    const rows: TopLogits[] = [];
    for (const layer of new Set(layers.toSorted((a, b) => a - b))) {
      const at = [...layers.keys()].filter((i) => layers[i] === layer);
      const nodes = at.map((i) => wanted[i]!);
      if (layer === 0) await this.#catchUp(prefix);
      const found = await (layer === 0
        ? super.evaluate(prefix, tree, nodes, read)
        : this.#deeper[layer - 1]!.evaluate(prefix, tree, nodes, read));
      for (const [i, row] of found.entries()) rows[at[i]!] = row;
    }
    return rows;
  }

  /** Short drafts leave deeper layers behind, and the target's hidden states are not kept for long. */
  async #catchUp(prefix: Prefix): Promise<void> {
    for (const layer of this.#deeper)
      if (prefix.length - layer.shared > MOST_LACKING) for await (const _ of layer.prefill(prefix));
  }

  /** One layer reads after the other, with a pause before each. @yields the tokens of the prefix held so far, on average */
  override async *prefill(prefix: Prefix, end = prefix.length - 1): AsyncGenerator<number> {
    this.rollback(prefix);
    const average = () => {
      const lengths = [super.shared, ...this.#deeper.map(({ shared }) => shared)];
      return Math.floor(sum(lengths, (length) => Math.min(length, end)) / lengths.length);
    };
    for (const layer of this.#deeper) {
      if (layer.shared < end) yield average();
      for await (const held of layer.prefill(prefix, end)) if (held < end) yield average();
    }
    if (super.shared < end) yield average();
    for await (const _ of super.prefill(prefix, end)) yield average();
  }

  override forgetFrom(length: number): void {
    super.forgetFrom(length);
    for (const layer of this.#deeper) layer.forgetFrom(length);
  }

  override rollback(prefix: Prefix): void {
    super.rollback(prefix);
    for (const layer of this.#deeper) layer.rollback(prefix);
  }

  override async dispose(): Promise<void> {
    await Promise.all([super.dispose(), ...this.#deeper.map((layer) => layer.dispose())]);
  }
}
