import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../errors.js';
import { NO_STEPS, type Ratios, ratios } from '../generation/counters.js';
import { depthsOf } from '../math/draft-tree.js';
import { definitionOf, heedsSetting, refusalOf } from '../strategies/index.js';
import type { TokenId } from '../types.js';
import { draftOf, type RecordedStep, type ReplayRule, type Trace } from './recorded.js';

/** What a reader of replayed figures must know, in one sentence. */
export const REPLAY_CAVEAT =
  'Replay judges each recorded step by itself: after a different decision the text would have gone on differently, ' +
  'and with a smaller draft length beam search might have chosen other guesses, so that for other settings the ' +
  'figures are exact for the recorded drafts and estimates for a run.';

/** Thresholds tried where none are asked for, besides the trace's own. */
const THRESHOLDS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1];

/** What a rule makes of the steps of a trace. */
export interface Replay extends ReplayRule, Pick<Ratios, 'acceptanceRate' | 'acceptanceByPosition'> {
  readonly steps: number;
  /** Tokens, in a row, that the text had room for. */
  readonly drafted: number;
  /** Tokens. */
  readonly accepted: number;
  /** Steps whose draft reached the position. */
  readonly draftedByPosition: readonly number[];
  /** Steps that kept it. */
  readonly acceptedByPosition: readonly number[];
  /** Emitted tokens / target passes, one of which is a step. */
  readonly tokensPerPass: number;
  /** Steps decided otherwise than recorded. */
  readonly changedSteps: number;
}

/** Whether replay at the trace's own settings decides as recorded. */
export interface Reproduction {
  readonly steps: number;
  readonly asRecorded: number;
  readonly differences: readonly {
    /** Of the step. */
    readonly index: number;
    /** Of the file. */
    readonly line: number;
    /** Accepted tokens. */
    readonly recorded: number;
    readonly replayed: number;
  }[];
}

interface Decision {
  readonly drafted: number;
  /** Accepted and emitted. */
  readonly kept: readonly TokenId[];
  readonly emitted: number;
  readonly asRecorded: boolean;
}

/**
 * What other settings would have accepted of the recorded drafts; settings left out are the trace's own. Replay judges
 * each recorded step by itself: after a different decision the text would have gone on differently, and with a smaller
 * gamma beam search might have chosen other guesses, so that for other settings the figures are exact for the recorded
 * drafts and estimates for a run. Where a guess ended the text, be it at the token limit, it does so in replay. Whether
 * one that was refused would have ended it, a trace does not tell: it counts like any other.
 * @throws UsageError for settings that the trace cannot answer for
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
 * One row for each combination. Where nothing is asked for: eight thresholds and the trace's own, its own gamma, without
 * clip and, where the strategy heeds it, with it.
 * @throws UsageError for settings that the trace cannot answer for
 */
export function replayGrid(
  trace: Trace,
  {
    thresholds = [...new Set([...THRESHOLDS, trace.rule.threshold])].sort((a, b) => a - b),
    draftLengths = [trace.rule.draftLength],
    clips = heedsSetting(trace.strategy, 'clip') ? [false, true] : [false],
  }: {
    readonly thresholds?: readonly number[] | undefined;
    readonly draftLengths?: readonly number[] | undefined;
    readonly clips?: readonly boolean[] | undefined;
  } = {},
): Replay[] {
  const rules = clips.flatMap((clip) =>
    draftLengths.flatMap((draftLength) => thresholds.map((threshold) => ({ threshold, draftLength, clip }))),
  );
  return rules.map((rule) => replay(trace, rule));
}

/** Whether the recorded rule decides about the recorded drafts as it did when they were recorded. */
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
  const path = definitionOf(strategy).decide!(draft, p, rule);
  const tokens = path.slice(0, step.room).map((node) => draft[node]!.token);
  const recorded = step.emitted.slice(0, step.accepted);
  // After a guess that ended the text (end token, stop string, token limit) nothing was emitted.
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
  if (!(threshold > 0 && threshold <= 1))
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

/** Per position, how many of these lengths reach it. */
function countByPosition(lengths: readonly number[], positions: number): number[] {
  return Array.from({ length: positions }, (_, i) => lengths.filter((length) => length > i).length);
}
