import { type Draft, type DraftNode, type NodeIndex, type Prefix, type Rng, ROOT } from '../../src/types.js';
import { fakeDistribution } from '../support/fake-distribution.js';
import { VOCABULARY } from '../support/fake-model.js';

/** What a cache is asked for: the rows after some nodes of a tree on a prefix. */
export interface RandomRequest {
  readonly prefix: Prefix;
  readonly draft: Draft;
  readonly wanted: NodeIndex[]; // in any order, ROOT among them or not
}

const below = (rng: Rng, n: number) => Math.floor(rng() * n);

/** Up to `most` tokens, perhaps none. */
export const randomTokens = (rng: Rng, most: number) =>
  Array.from({ length: below(rng, most + 1) }, () => below(rng, VOCABULARY));

/** A tree of up to seven nodes, of which some are wanted on no more branches than fit. */
export function randomRequest(
  rng: Rng,
  sequences: number,
  prefix: Prefix = [0, ...randomTokens(rng, 6)],
): RandomRequest {
  const q = fakeDistribution(1);
  for (;;) {
    const draft: DraftNode[] = randomTokens(rng, 7).map((token, i) => ({
      token,
      parent: below(rng, i + 1) - 1,
      q,
    }));
    const wanted = [ROOT, ...draft.keys()]
      .filter(() => rng() < 0.5)
      .map((node) => ({ node, key: rng() }))
      .sort((a, b) => a.key - b.key)
      .map(({ node }) => node);
    const branches = wanted.filter((node) => !wanted.some((other) => isAbove(draft, node, other)));
    if (branches.length > 0 && branches.length <= sequences) return { prefix, draft, wanted };
  }
}

function isAbove(draft: Draft, node: NodeIndex, below: NodeIndex): boolean {
  if (below === ROOT) return false;
  const { parent } = draft[below]!;
  return parent === node || isAbove(draft, node, parent);
}
