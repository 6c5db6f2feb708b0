import { depthsOf } from '../math/draft-tree.js';
import type { Drafter } from './drafter.js';

/**
 * The same drafter, held to the room that the caches have: a draft is at most as deep as its draft length says, where it
 * branches, and as the context has room for. Only a strategy of a user's own could do otherwise, and the caches would run
 * out of cells.
 *
 * @param name of the strategy
 * @param longest tokens in a row of a draft that branches, for which there is memory
 * @throws Error for a draft that is deeper, before it is judged
 */
export function withinRoom(draft: Drafter, name: string, longest: number): Drafter {
  return async (prefix, room, rng) => {
    const tree = await draft(prefix, room, rng);
    const isChain = tree.every(({ parent }, node) => parent === node - 1);
    const limit = isChain ? room : Math.min(room, longest);
    const depth = Math.max(0, ...depthsOf(tree));
    if (depth > limit)
      throw new Error(
        `The strategy ${name} drafted ${depth} tokens in a row, and there is room for ${limit}: draft no more than ` +
          'the room that `draft` is told, and in a tree no more than draftLength',
      );
    return tree;
  };
}
