import { pathTo } from '../math/draft-tree.js';
import { type Truncation, truncateAfter } from '../math/truncate.js';
import { type Distribution, type Draft, type Mask, type NodeIndex, type Prefix, ROOT } from '../types.js';
import type { Continuations, Corpus, Places } from './corpus.js';
import type { NextTokens } from './drafter.js';
import type { Found } from './free-source.js';

/** Tokens that the text must have in common with the corpus. Behind a shorter ending anything may come. */
export const SHORTEST_ENDING = 2;

const NONE: Distribution = { tokens: new Int32Array(), logProbs: new Float64Array() };

/**
 * A corpus as a drafter sees a model: what came behind the longest ending of the text that it has, as a distribution that is
 * cut as the target's is. It is empty where the corpus has no such ending, so that nothing is guessed.
 * @param ofText of the text without guesses, where it was searched for already
 */
export function corpusTokens(corpus: Corpus, truncation: Truncation, ofText?: Places): NextTokens {
  return async (prefix, tree, nodes) => {
    const masks = truncation.constraint?.masks(prefix, tree, nodes);
    const found = nodes.map((node, i) => {
      const places = node === ROOT && ofText ? ofText : corpus.search(endingOf(prefix, tree, node));
      const all = corpus.following(places, SHORTEST_ENDING);
      return allowed(all, truncation.vocabularySize, masks?.[i]);
    });
    return found.map((row, i) =>
      row.tokens.length === 0 ? NONE : truncateAfter([row], prefix, tree, [nodes[i]!], truncation)[0]!,
    );
  };
}

/** Searches for the end of a text; where too few of its tokens are found to guess from, none are. */
export function searchCorpus(corpus: Corpus, truncation: Truncation, prefix: Prefix): Found {
  const places = corpus.search(endingOf(prefix, [], ROOT));
  return {
    matched: places.length < SHORTEST_ENDING ? 0 : places.length,
    next: corpusTokens(corpus, truncation, places),
  };
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
