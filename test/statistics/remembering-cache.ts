import { ModelCache, type NodeReadRequest } from '../../src/decoding/model-cache.js';
import { type Draft, type NodeIndex, type Prefix, ROOT, type TopLogits } from '../../src/types.js';

/**
 * The cache of a model that evaluates no text twice: thousands of texts that begin alike then cost as much as hundreds.
 * Every row is the model's own. All requests must ask for the same logits, without a constraint.
 */
export class RememberingCache extends ModelCache {
  readonly #rows = new Map<string, TopLogits>(); // by the text in front of them

  override async evaluate(
    prefix: Prefix,
    tree: Draft,
    wanted: readonly NodeIndex[],
    read: NodeReadRequest,
  ): Promise<TopLogits[]> {
    const texts = wanted.map((node) => [...prefix, ...pathTo(tree, node)].join(' '));
    if (texts.every((text) => this.#rows.has(text))) return texts.map((text) => this.#rows.get(text)!);
    const rows = await super.evaluate(prefix, tree, wanted, read);
    for (const [i, row] of rows.entries()) this.#rows.set(texts[i]!, row);
    return rows;
  }
}

/** The tokens of the nodes from the root to this one. */
function pathTo(tree: Draft, node: NodeIndex): number[] {
  const tokens: number[] = [];
  for (let at = node; at !== ROOT; at = tree[at]!.parent) tokens.unshift(tree[at]!.token);
  return tokens;
}
