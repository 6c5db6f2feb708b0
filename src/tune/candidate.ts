import type { DraftChain } from '../drafting/drafter.js';
import type { SettingsInput } from '../generation/settings.js';
import type { StrategyName } from '../strategies/index.js';

/** Settings that a search compares. Settings that the strategy does not have are missing. */
export interface Candidate {
  readonly strategy: StrategyName;
  readonly beamWidth?: number;
  readonly threshold?: number;
  readonly draftLength: number | 'auto';
}

/** Settings that are run: a candidate, and the sources beside the model, if there are any. */
export type Runnable = Candidate & Partial<DraftChain>;

/** A recorded run for the replay of candidates. It drafts as deep as the deepest of them, at a middle threshold. */
export interface Trial {
  readonly strategy: StrategyName;
  /** Strategies that draft as it does, and judge otherwise. */
  readonly alike?: readonly StrategyName[];
  readonly beamWidth?: number;
  readonly threshold?: number;
}

/** The draft length of a trial, which is the longest of a candidate. */
export const DEEPEST = 16;

/**
 * The runs that are recorded. From a chain follows what a shorter one, or another threshold, would have kept. Other strategies
 * and beam widths draft other chains, so they have runs of their own. Trees are left out: their side beams depend on the depth at
 * which drafting ends, so each depth would need a run of its own.
 */
export const TRIALS: readonly Trial[] = [
  { strategy: 'speculative', alike: ['block'] },
  { strategy: 'mtad', beamWidth: 1, threshold: 0.3 },
  { strategy: 'mtad', beamWidth: 4, threshold: 0.3 },
];

const THRESHOLDS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];
const LENGTHS = ['auto', 1, 2, 3, 4, 6, 8, 12, DEEPEST] as const;

/** Returns the candidates that can be replayed on a trial. */
export function candidatesOf({ strategy, alike = [], beamWidth, threshold }: Trial): Candidate[] {
  const thresholds = threshold === undefined ? [{}] : THRESHOLDS.map((one) => ({ threshold: one }));
  const width = beamWidth === undefined ? {} : { beamWidth };
  return [strategy, ...alike].flatMap((strategy) =>
    thresholds.flatMap((one) => LENGTHS.map((draftLength) => ({ strategy, ...width, ...one, draftLength }))),
  );
}

/**
 * Returns a candidate with sources beside the model. Its draft length is left open: from what the model drafted nobody can tell
 * how often a source is right, and so how far it should guess.
 */
export function withSources(candidate: Candidate, { draftFirst, draftTail }: DraftChain): Runnable {
  return {
    ...candidate,
    draftLength: 'auto',
    ...(draftFirst && { draftFirst }),
    draftFrom: 'model',
    ...(draftTail !== 'none' && { draftTail }),
  };
}

/** Returns the same without these sources: a profile holds whatever guesses beside the model. */
export function ofModel({ draftFirst, draftFrom, draftTail, ...candidate }: Runnable): Candidate {
  return candidate;
}

/** Returns the settings of a trial's run. */
export function settingsOf({ alike, ...trial }: Trial): SettingsInput {
  return { ...trial, draftLength: DEEPEST };
}
