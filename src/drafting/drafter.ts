import type { Distribution, Draft, NodeIndex, Prefix, Rng, TokenId } from '../types.js';
import type { DraftLength } from './length.js';

/** Guesses at most `room` tokens ahead of the prefix. */
export type Drafter = (prefix: Prefix, room: number, rng: Rng) => Promise<Draft>;

/** Where guesses come from: the draft model, the target's own drafting head, an earlier passage of the text, or a corpus of other texts. */
export type DraftSource = 'model' | 'mtp' | 'lookup' | 'corpus';

/** What goes on where a draft ends, without a pass of a model. */
export type DraftTail = 'none' | 'lookup' | 'corpus';

/** Where a draft comes from, and what goes on behind it. */
export interface DraftChain {
  readonly draftFrom: DraftSource | 'auto';
  readonly draftTail: DraftTail;
}

/** Whether guesses from there take passes, and so a cache. */
export function takesPasses(source: DraftSource): boolean {
  return source === 'model' || source === 'mtp';
}

/** What a drafter asks of its model: the distributions after these nodes of the tree it is growing. */
export type NextTokens = (
  prefix: Prefix,
  tree: Draft,
  nodes: readonly NodeIndex[],
) => Promise<Distribution[]>;

/** How far a drafter guesses. */
export interface DraftOptions {
  readonly length: DraftLength;
  /** Whether a token ends the generation: nothing is guessed after it. */
  readonly isEnd: (token: TokenId) => boolean;
}
