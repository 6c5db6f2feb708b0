import { pathTo } from '../math/draft-tree.js';
import { type Truncation, truncateAfter } from '../math/truncate.js';
import type { Distribution, Draft, Mask, NodeIndex, Prefix } from '../types.js';
import type { Continuations, Corpus } from './corpus.js';
import type { NextTokens } from './drafter.js';

/** Tokens that the text must have in common with the corpus. Behind a shorter ending anything may come. */
export const SHORTEST_ENDING = 2;

const NONE: Distribution = { tokens: new Int32Array(), logProbs: new Float64Array() };

/**
 * A corpus as a drafter sees a model: what came behind the longest ending of the text that it has, as a distribution that is
 * cut as the target's is. It is empty where the corpus has no such ending, so that nothing is guessed.
 */
export function corpusTokens(corpus: Corpus, truncation: Truncation): NextTokens {
  return async (prefix, tree, nodes) => {
    const masks = truncation.constraint?.masks(prefix, tree, nodes);
    const found = nodes.map((node, i) => {
      const all = corpus.following(endingOf(prefix, tree, node), SHORTEST_ENDING);
      return allowed(all, truncation.vocabularySize, masks?.[i]);
    });
    return found.map((row, i) =>
      row.tokens.length === 0 ? NONE : truncateAfter([row], prefix, tree, [nodes[i]!], truncation)[0]!,
    );
  };
}

/** Returns how many tokens of the text's end the corpus has; 0 where they are too few to guess from. */
export function corpusMatch(corpus: Corpus, prefix: Prefix): number {
  const matched = corpus.matched((places) => prefix[prefix.length - places]);
  return matched < SHORTEST_ENDING ? 0 : matched;
}

/** The tokens before a place, by their distance from it. */
function endingOf(prefix: Prefix, tree: Draft, node: NodeIndex) {
  const path = pathTo(tree, node);
  return (places: number) =>
    places <= path.length
      ? tree[path[path.length - places]!]!.token
      : prefix[prefix.length + path.length - places];
}

function allowed({ tokens, logProbs }: Continuations, vocabularySize = Infinity, mask?: Mask) {
  const keep = (_: number, i: number) => tokens[i]! < vocabularySize && (mask?.allows(tokens[i]!) ?? true);
  return { tokens: tokens.filter(keep), logits: logProbs.filter(keep) };
}
