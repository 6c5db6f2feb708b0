import type { Distribution, Draft, Mask, NodeIndex, Prefix, TokenId, TopLogits } from '../types.js';
import { normalise } from './distribution.js';

/** How logits become a distribution. The same settings apply to the target and to the draft model. */
export interface Truncation {
  readonly temperature: number; // > 0
  readonly topK: number; // integer >= 0, 0 = off
  readonly topP: number; // (0, 1], 1 = off
  /** Tokens that must never be emitted, removed before anything else. */
  readonly banned?: ReadonlySet<TokenId> | undefined;
  /** What the text must obey: tokens that it forbids are not even read. */
  readonly constraint?: Constraint | undefined;
}

/** Says what may follow each of these nodes of a tree that stands on the committed prefix. */
export interface Constraint {
  masks(prefix: Prefix, tree: Draft, nodes: readonly NodeIndex[]): readonly Mask[];
}

/**
 * Temperature, then top-k, then top-p, then renormalise (the order of Qin et al., section 4).
 * Top-p keeps the smallest prefix of the sorted list whose mass reaches it, always at least one token. Where the
 * constraint leaves none there is none.
 */
export function truncate(top: TopLogits, { temperature, topK, topP, banned }: Truncation): Distribution {
  let { tokens, logits } = top;
  if (banned?.size) {
    const keep = (_: number, i: number) => !banned.has(top.tokens[i]!);
    tokens = tokens.filter(keep);
    logits = logits.filter(keep);
  }
  const k = topK === 0 ? tokens.length : Math.min(topK, tokens.length);
  const kept = normalise(
    tokens.slice(0, k),
    logits.slice(0, k).map((logit) => (logit - logits[0]!) / temperature), // differences, so that none overflows
  );
  if (topP >= 1) return kept;

  let mass = 0;
  let n = 0;
  while (n < kept.tokens.length && (n === 0 || mass < topP)) mass += Math.exp(kept.logProbs[n++]!);
  return normalise(kept.tokens.subarray(0, n), kept.logProbs.subarray(0, n));
}

/** How many of the largest logits `truncate` must see for an exact result; 0 means all of them. */
export function logitsNeeded({ topK, banned }: Truncation): number {
  return topK === 0 ? 0 : topK + (banned?.size ?? 0);
}
