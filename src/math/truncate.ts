import type { Distribution, Draft, Mask, NodeIndex, Prefix, TokenId, TopLogits } from '../types.js';
import { normalise } from './distribution.js';
import { canRaise, type Penalties, penalise, recentTokens } from './penalties.js';

/** How logits become a distribution. The same settings apply to the target and to the draft model. */
export interface Truncation {
  /** > 0. */
  readonly temperature: number;
  /** Integer >= 0, 0 = off. */
  readonly topK: number;
  /** (0, 1], 1 = off. */
  readonly topP: number;
  /** [0, 1] of the most likely token's probability; undefined, 0 = off. */
  readonly minP?: number | undefined;
  /** How the text so far changes the logits, before anything is cut. */
  readonly penalties?: Penalties | undefined;
  /** Tokens that must never be emitted, removed before anything else. */
  readonly banned?: ReadonlySet<TokenId> | undefined;
  /** Ids from here on are padding that only one model has: they are not even read. Undefined = there is none. */
  readonly vocabularySize?: number | undefined;
  /** What the text must obey: tokens that it forbids are not even read. */
  readonly constraint?: Constraint | undefined;
}

/** Says what may follow each of these nodes of a tree that stands on the committed prefix. */
export interface Constraint {
  masks(prefix: Prefix, tree: Draft, nodes: readonly NodeIndex[]): readonly Mask[];
}

/**
 * The distributions after these nodes of a tree that stands on the committed prefix: penalties for what the text has used
 * up to there, then the rest. They depend on the text alone, not on who drafted it, so that what compares them at one
 * place compares the penalised models.
 *
 * @param rows what was read after each node: of the largest logits as many as `logitsNeeded` says
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
 * Temperature, then top-k, then top-p, then min-p, then renormalise (the order of Qin et al., section 4).
 * Top-p keeps the smallest prefix of the sorted list whose mass reaches it, always at least one token; min-p what has at
 * least this share of the largest probability, both after the temperature. Where the constraint leaves none there is none.
 */
export function truncate(
  top: TopLogits,
  { temperature, topK, topP, minP = 0, banned }: Truncation,
): Distribution {
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
  if (topP >= 1 && minP === 0) return kept;

  let mass = 0;
  let n = 0;
  while (n < kept.tokens.length && (n === 0 || topP >= 1 || mass < topP))
    mass += Math.exp(kept.logProbs[n++]!);
  const least = kept.logProbs[0]! + Math.log(minP);
  while (n > 1 && kept.logProbs[n - 1]! < least) n--;
  return normalise(kept.tokens.subarray(0, n), kept.logProbs.subarray(0, n));
}

/** What an engine is to read so that `truncate` is exact. */
export function readOf(truncation: Truncation, logSumExp: boolean) {
  const { constraint, vocabularySize } = truncation;
  return { top: logitsNeeded(truncation), vocabularySize, logSumExp, constraint };
}

/**
 * How many of the largest logits must be read for an exact result; 0 means all of them. A penalty that lowers tokens lets
 * as many others move up as tokens are looked back on, at most; one that raises some may raise any. The number is the
 * same at each place of a text, since under a constraint what is found depends on it.
 */
export function logitsNeeded({ topK, banned, penalties }: Truncation): number {
  const needsAll = topK === 0 || (penalties && (penalties.last === Infinity || canRaise(penalties)));
  return needsAll ? 0 : topK + (banned?.size ?? 0) + (penalties?.last ?? 0);
}
