import type { SettingsInput } from '../generation/settings.js';
import type { StrategyName } from '../strategies/index.js';

/** Settings that a search weighs. A setting that the strategy does not heed is missing. */
export interface Candidate {
  readonly strategy: StrategyName;
  readonly beamWidth?: number;
  readonly threshold?: number;
  readonly draftLength: number | 'auto';
}

/** A run that candidates are replayed on: as deep as any of them, and not too strict. */
export interface Trial {
  readonly strategy: StrategyName;
  readonly beamWidth?: number;
  readonly threshold?: number;
}

/** Guesses in a row of a trial, the deepest that a candidate may have. */
export const DEEPEST = 16;

/**
 * What is recorded. A chain tells what any shorter one, and any threshold, would have kept of it; other strategies and widths
 * draft other chains. Trees are not tried: a tree of 16 layers costs more than it can tell.
 */
export const TRIALS: readonly Trial[] = [
  { strategy: 'speculative' },
  { strategy: 'mtad', beamWidth: 1, threshold: 0.3 },
  { strategy: 'mtad', beamWidth: 4, threshold: 0.3 },
];

const THRESHOLDS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];
const LENGTHS = ['auto', 1, 2, 3, 4, 6, 8, 12, DEEPEST] as const;

/** All that a trial tells of. */
export function candidatesOf({ strategy, beamWidth, threshold }: Trial): Candidate[] {
  const thresholds = threshold === undefined ? [{}] : THRESHOLDS.map((one) => ({ threshold: one }));
  const width = beamWidth === undefined ? {} : { beamWidth };
  return thresholds.flatMap((one) =>
    LENGTHS.map((draftLength) => ({ strategy, ...width, ...one, draftLength })),
  );
}

/** The settings of a trial's run. */
export function settingsOf(trial: Trial): SettingsInput {
  return { ...trial, draftLength: DEEPEST };
}
