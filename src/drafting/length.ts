import type { LogProb } from '../types.js';

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
}

/**
 * The same number of guesses at each step.
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
  };
}
