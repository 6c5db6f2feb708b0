import type { Distribution, Draft, Mask, NodeIndex, Prefix, TokenId, TopLogits } from '../types.js';
import { normalise } from './distribution.js';
import { canRaise, type Penalties, penalise, recentTokens } from './penalties.js';

/** The steps from logits to a distribution, which are the same for the target and the draft model. */
export interface Truncation {
  /** > 0. */
  readonly temperature: number;
  /** Integer >= 0, 0 = off. */
  readonly topK: number;
  /** (0, 1], 1 = off. */
  readonly topP: number;
  /** [0, 1] of the most likely token's probability; undefined, 0 = off. */
  readonly minP?: number | undefined;
  /** Penalties on the tokens of the text so far, applied before anything is cut. */
  readonly penalties?: Penalties | undefined;
  /** Tokens that are never emitted, removed first. */
  readonly banned?: ReadonlySet<TokenId> | undefined;
  /** Token ids from this number on are padding of one model and are not read. Undefined = no padding. */
  readonly vocabularySize?: number | undefined;
  /** A rule that the text obeys. Tokens that it forbids are not read. */
  readonly constraint?: Constraint | undefined;
}

/** Returns, for each of these nodes of a tree that stands on the committed prefix, the tokens that may follow. */
export interface Constraint {
  masks(prefix: Prefix, tree: Draft, nodes: readonly NodeIndex[]): readonly Mask[];
}

/**
 * Returns the distributions after these nodes of a tree that stands on the committed prefix. Penalties for the tokens of the
 * text up to the node come first. A distribution depends on the text alone and not on the model that drafted it, so a rule
 * that compares two distributions compares the penalised models.
 *
 * @param rows the logits after each node, as many of the largest as `logitsNeeded` returns
 */
export function truncateAfter(
  rows: readonly TopLogits[],
  prefix: Prefix,
  tree: Draft,
  nodes: readonly NodeIndex[],
  truncation: Truncation,
): Distribution[] {
  const { penalties } = truncation;
  return rows.map((row, i) => {
    if (!penalties) return truncate(row, truncation);
    const recent = recentTokens(prefix, tree, nodes[i]!, penalties.last);
    return truncate(penalise(row, recent, penalties), truncation);
  });
}

/**
 * Applies temperature, top-k, top-p and min-p in this order, then renormalises (the order of Qin et al., section 4). Top-p
 * keeps the shortest prefix of the sorted list whose mass reaches it, and at least one token. Min-p keeps the tokens that
 * have at least this share of the largest probability. The distribution is empty where the constraint allows no token.
 */
export function truncate(
  top: TopLogits,
  { temperature, topK, topP, minP = 0, banned }: Truncation,
): Distribution {
  const { tokens: all, logits } = top;
  const most = topK === 0 ? all.length : Math.min(topK, all.length);
  const tokens = new Int32Array(most);
  const weights = new Float64Array(most);
  let k = 0;
  for (let i = 0; i < all.length && k < most; i++) {
    if (banned?.has(all[i]!)) continue;
    tokens[k] = all[i]!;
    weights[k++] = logits[i]!;
  }
  const first = weights[0]!;
  for (let i = 0; i < k; i++) weights[i] = (weights[i]! - first) / temperature; // differences do not overflow
  const kept = normalise(tokens.subarray(0, k), weights.subarray(0, k));
  if (topP >= 1 && minP === 0) return kept;

  let mass = 0;
  let n = 0;
  while (n < k && (topP >= 1 || mass < topP)) mass += Math.exp(kept.logProbs[n++]!);
  const least = kept.logProbs[0]! + Math.log(minP);
  while (kept.logProbs[n - 1]! < least) n--; // the first is never less
  return n === k ? kept : normalise(kept.tokens.subarray(0, n), kept.logProbs.subarray(0, n));
}

/** Returns the request to an engine with which `truncate` is exact. */
export function readOf(truncation: Truncation, logSumExp: boolean) {
  const { constraint, vocabularySize } = truncation;
  return { top: logitsNeeded(truncation), vocabularySize, logSumExp, constraint };
}

/**
 * Returns the number of largest logits that an exact result needs; 0 means all. A penalty that lowers tokens moves up at
 * most as many other tokens as it counts. A penalty that raises tokens may raise any token. The number is the same at each
 * place of a text, since under a constraint the tokens that are found depend on it.
 */
export function logitsNeeded({ topK, banned, penalties }: Truncation): number {
  const needsAll = topK === 0 || (penalties && (penalties.last === Infinity || canRaise(penalties)));
  return needsAll ? 0 : topK + (banned?.size ?? 0) + (penalties?.last ?? 0);
}
