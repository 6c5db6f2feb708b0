import type { Distribution, Draft, DraftSource, NodeIndex, Prefix, Rng, TokenId } from '../types.js';
import type { DraftLength } from './length.js';

/** Guesses at most `room` tokens ahead of the prefix. */
export type Drafter = (prefix: Prefix, room: number, rng: Rng) => Promise<Draft>;

export type { DraftSource } from '../types.js';

/** What goes on where a draft ends, without a pass of a model. */
export type DraftTail = 'none' | 'lookup' | 'corpus';

/** What may guess in place of the draft where that is expected to gain more, without a pass of a model. */
export const DRAFT_FIRSTS = ['none', 'lookup', 'corpus', 'corpus+lookup'] as const;

export type DraftFirst = (typeof DRAFT_FIRSTS)[number];

/** Where a draft comes from, what is asked before, and what goes on behind it. */
export interface DraftChain {
  /** Undefined: nothing. */
  readonly draftFirst?: DraftFirst | undefined;
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
