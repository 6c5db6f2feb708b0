import type { BatchToken, HiddenState } from '../engine/passes.js';
import { type Draft, type NodeIndex, ROOT } from '../types.js';
import type { HiddenTrail } from './hidden-trail.js';

/**
 * Gives a drafting head the hidden state at the token before each token: the target's along the text, its own along a guess.
 * Where none is known, as at the beginning of a text, the head gets zeros. The layers of a chain share a feed.
 */
export class HeadFeed {
  readonly #trail: HiddenTrail;
  readonly #own = new Map<NodeIndex, HiddenState>(); // of the nodes of this step's draft, and of ROOT

  constructor(trail: HiddenTrail) {
    this.#trail = trail;
  }

  /** @param nodes one for each token of the batch; below ROOT for earlier tokens of the text */
  fed(batch: readonly BatchToken[], nodes: readonly NodeIndex[], tree: Draft): BatchToken[] {
    return batch.map((item, i) => {
      const node = nodes[i]!;
      const hidden = node > ROOT ? this.#own.get(tree[node]!.parent) : this.#trail.at(item.position - 1);
      return { ...item, hidden };
    });
  }

  /** Hears of the head's own states at nodes that were wanted. A draft begins with ROOT. */
  heard(nodes: readonly NodeIndex[], states: readonly HiddenState[]): void {
    if (nodes.includes(ROOT)) this.#own.clear();
    for (const [i, node] of nodes.entries()) this.#own.set(node, states[i]!);
  }
}
