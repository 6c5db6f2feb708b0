import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../errors.js';
import { NO_STEPS, type Ratios, ratios } from '../generation/counters.js';
import { depthsOf } from '../math/draft-tree.js';
import { definitionOf, heedsSetting, refusalOf } from '../strategies/index.js';
import type { TokenId } from '../types.js';
import { draftOf, type RecordedStep, type ReplayRule, type Trace } from './recorded.js';

/** The warning that belongs to replayed figures, in one sentence. */
export const REPLAY_CAVEAT =
  'Replay judges each recorded step by itself: after a different decision the text would have gone on differently, ' +
  'and with a smaller draft length beam search might have chosen other guesses, so that for other settings the ' +
  'figures are exact for the recorded drafts and estimates for a run.';

/** The thresholds that are tried by default, besides the trace's own. */
const THRESHOLDS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1];

/** The figures of a rule on the steps of a trace. */
export interface Replay extends ReplayRule, Pick<Ratios, 'acceptanceRate' | 'acceptanceByPosition'> {
  readonly steps: number;
  /** Number of drafted tokens in a row that the text had room for. */
  readonly drafted: number;
  /** Number of accepted tokens. */
  readonly accepted: number;
  /** For each position, the number of steps whose draft reached it. */
  readonly draftedByPosition: readonly number[];
  /** For each position, the number of steps that kept its token. */
  readonly acceptedByPosition: readonly number[];
  /** Emitted tokens / target passes. A step has one target pass. */
  readonly tokensPerPass: number;
  /** Number of steps with another decision than recorded. */
  readonly changedSteps: number;
}

/** The comparison of the recorded decisions with a replay at the trace's own settings. */
export interface Reproduction {
  readonly steps: number;
  readonly asRecorded: number;
  readonly differences: readonly {
    /** Index of the step. */
    readonly index: number;
    /** Number of the line in the file. */
    readonly line: number;
    /** Number of accepted tokens. */
    readonly recorded: number;
    readonly replayed: number;
  }[];
}

interface Decision {
  readonly drafted: number;
  /** The accepted tokens that were emitted. */
  readonly kept: readonly TokenId[];
  readonly emitted: number;
  readonly asRecorded: boolean;
}

/**
 * Returns the figures that other settings would have had on the recorded drafts. Settings left out are the trace's own.
 *
 * Replay judges each recorded step by itself. In a run, the text would differ after a different decision, and with a smaller
 * gamma beam search might draft other tokens. So for other settings the figures are exact for the recorded drafts, and
 * estimates for a run. A drafted token that ended the text, also at the token limit, ends it in replay. The trace does not
 * tell whether a refused token would have ended the text, so it counts like any other token.
 * @throws UsageError for settings that the trace has no answer for
 */
export function replay(trace: Trace, rule: Partial<ReplayRule> = {}): Replay {
  const full = { ...trace.rule, ...rule };
  checkRule(trace, full);
  const decisions = trace.steps.map((step) => decide(trace.strategy, step, full));
  const drafted = decisions.map((decision) => decision.drafted);
  const accepted = decisions.map(({ kept }) => kept.length);
  const positions = drafted.reduce((a, b) => Math.max(a, b), 0);
  const counts = {
    steps: decisions.length,
    drafted: sum(drafted),
    accepted: sum(accepted),
    draftedByPosition: countByPosition(drafted, positions),
    acceptedByPosition: countByPosition(accepted, positions),
  };
  const emitted = sum(decisions.map(({ emitted }) => emitted));
  const sums = { ...NO_STEPS, ...counts, targetPasses: counts.steps, emitted };
  const { blockEfficiency, acceptanceRate, acceptanceByPosition } = ratios(sums);
  return {
    ...full,
    ...counts,
    acceptanceRate,
    acceptanceByPosition,
    tokensPerPass: blockEfficiency!, // a trace has a step
    changedSteps: decisions.filter(({ asRecorded }) => !asRecorded).length,
  };
}

/**
 * Returns one row for each combination. The defaults are eight thresholds and the trace's own, the trace's gamma, and clip off
 * and, where the strategy uses clip, on.
 * @throws UsageError for settings that the trace has no answer for
 */
export function replayGrid(
  trace: Trace,
  {
    thresholds = usualThresholds(trace.rule.threshold),
    draftLengths = [trace.rule.draftLength],
    clips = heedsSetting(trace.strategy, 'clip') ? [false, true] : [false],
  }: {
    readonly thresholds?: readonly ReplayRule['threshold'][] | undefined;
    readonly draftLengths?: readonly number[] | undefined;
    readonly clips?: readonly boolean[] | undefined;
  } = {},
): Replay[] {
  const rules = clips.flatMap((clip) =>
    draftLengths.flatMap((draftLength) => thresholds.map((threshold) => ({ threshold, draftLength, clip }))),
  );
  return rules.map((rule) => replay(trace, rule));
}

/** One that moved comes first. */
function usualThresholds(own: ReplayRule['threshold']): ReplayRule['threshold'][] {
  if (own === 'auto') return [own, ...THRESHOLDS];
  return [...new Set([...THRESHOLDS, own])].sort((a, b) => a - b);
}

/** Applies the recorded rule to the recorded drafts, and compares the decisions with the recorded ones. */
export function reproduces(trace: Trace): Reproduction {
  const differences = trace.steps.flatMap((step) => {
    const { kept, asRecorded } = decide(trace.strategy, step, trace.rule);
    const { index, line, accepted: recorded } = step;
    return asRecorded ? [] : [{ index, line, recorded, replayed: kept.length }];
  });
  const steps = trace.steps.length;
  return { steps, asRecorded: steps - differences.length, differences };
}

function decide(strategy: Trace['strategy'], step: RecordedStep, rule: ReplayRule): Decision {
  const { draft, p } = draftOf(step, rule.draftLength);
  const threshold = rule.threshold === 'auto' ? step.threshold! : rule.threshold;
  const path = definitionOf(strategy).decide!(draft, p, { ...rule, threshold });
  const tokens = path.slice(0, step.room).map((node) => draft[node]!.token);
  const recorded = step.emitted.slice(0, step.accepted);
  // Nothing was emitted after a drafted token that ended the text (end token, stop string, token limit).
  const isCut = step.emitted.length === step.accepted;
  const reachesCut = isCut && isDeepStrictEqual(tokens.slice(0, recorded.length), recorded);
  const kept = reachesCut ? recorded : tokens;
  return {
    drafted: Math.min(step.room, Math.max(0, ...depthsOf(draft))),
    kept,
    emitted: reachesCut ? kept.length : Math.min(step.room, kept.length + 1),
    asRecorded: isDeepStrictEqual(kept, recorded),
  };
}

function checkRule({ strategy, rule }: Trace, { threshold, draftLength, clip }: ReplayRule): void {
  if (threshold === 'auto' && rule.threshold !== 'auto')
    throw new UsageError(
      '`threshold` must be numbers in a replay of a trace whose threshold did not move: what auto would have chosen is not known',
    );
  if (threshold !== 'auto' && !(threshold > 0 && threshold <= 1))
    throw new UsageError(`threshold must be a number above 0 and at most 1, not ${threshold}`);
  if (!(Number.isInteger(draftLength) && draftLength >= 1 && draftLength <= rule.draftLength))
    throw new UsageError(
      `draftLength must be a whole number from 1 to ${rule.draftLength}, the draft length of the trace, not ${draftLength}`,
    );
  const refusal = refusalOf(strategy, { clip });
  if (refusal !== undefined) throw new UsageError(`${refusal} (the trace is of ${strategy})`);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** Returns, for each position, the number of lengths that reach it. */
function countByPosition(lengths: readonly number[], positions: number): number[] {
  return Array.from({ length: positions }, (_, i) => lengths.filter((length) => length > i).length);
}
