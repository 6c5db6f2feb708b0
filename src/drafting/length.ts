import type { LogProb } from '../types.js';
import { LONGEST_ENDING } from './corpus.js';

/** A guess beside the likeliest beam. */
export interface SideGuess {
  /** Guesses on the path to it, itself included, >= 1. */
  readonly depth: number;
  /** Their joint log-probability. */
  readonly logQ: LogProb;
  /** The same of as many guesses of the likeliest beam. */
  readonly likeliestLogQ: LogProb;
}

/**
 * How far a drafter guesses. It is asked at each step, and within a step after each guess: the joint log-probabilities
 * of the guesses so far are all that a draft model knows of their fate.
 */
export interface DraftLength {
  /**
   * Begins a step.
   * @param room tokens that fit behind the text
   * @param judgesAll whether the target will judge whatever is guessed, so that only the first guesses can be left out
   *   by not making the others
   * @returns guesses in a row at most: [0..room]
   */
  begin(room: number, judgesAll: boolean): number;
  /**
   * Whether one more guess is worth its pass.
   * @param logQ [d], joint log-probability of the likeliest guess of each length so far
   * @param isEnd whether the last of them ends the text, so that only others could go on
   */
  goesOn(logQ: readonly LogProb[], isEnd: boolean): boolean;
  /** How many of these guesses the target is to judge: [0..logQ.length]. */
  judged(logQ: readonly LogProb[]): number;
  /**
   * Whether the target is to judge what another beam adds.
   * @param added its guesses that are in no other beam so far
   * @param rows that the target's pass has without them
   */
  judgesBeside(added: readonly SideGuess[], rows: number): boolean;
  /**
   * Whether a guess that takes no pass is worth its row in the target's pass, behind the guesses that `judged` has left.
   * @param logQ [d], joint log-probability of the likeliest guess of each length
   * @param tailLogQ the same of those that took no pass and follow, without the ones before; the last is the guess in
   *   question, which is not drawn yet, and counts as the likeliest of its source
   * @param rows that the target's pass has without it
   */
  goesOnWithoutPass(logQ: readonly LogProb[], tailLogQ: readonly LogProb[], rows: number): boolean;
  /**
   * Chooses a source that takes no pass to guess in place of the draft. It is asked first in a step, and before anything is drawn;
   * again, where nothing that the chosen source has may follow: then that one has 0 tokens.
   * @param matched tokens of the text's end that each source has, [0..LONGEST_ENDING]; 0 = it guesses nothing
   * @param room tokens that fit behind the text
   * @returns undefined: the draft is expected to gain more
   */
  inPlaceOfDraft(matched: readonly number[], room: number): InPlaceOfDraft | undefined;
}

/** Guesses in place of a draft. */
export interface InPlaceOfDraft {
  /** Index of the source. */
  readonly source: number;
  /** Guesses in a row at most, >= 1. */
  readonly guesses: number;
}

/**
 * The same number of guesses at each step. A source that takes no pass guesses in place of the draft where it has as long an
 * ending of the text as is looked at. (Measured on stories: behind shorter ones, a draft model of the same domain has twice as
 * many of its guesses accepted, whatever the corpus believes of its own.)
 * @param gamma the paper's, >= 1
 * @param beforeTail how many of them are made before a tail goes on, [1..gamma]
 */
export function fixedLength(gamma: number, beforeTail = gamma): DraftLength {
  return {
    begin: (room) => Math.min(beforeTail, room),
    goesOn: () => true,
    judged: ({ length }) => length,
    judgesBeside: () => true,
    goesOnWithoutPass: (logQ, tailLogQ) => logQ.length + tailLogQ.length <= gamma,
    inPlaceOfDraft: (matched, room) => {
      const source = matched.indexOf(LONGEST_ENDING);
      return source === -1 ? undefined : { source, guesses: Math.min(gamma, room) };
    },
  };
}
