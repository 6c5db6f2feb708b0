import { LONGEST_ENDING } from '../drafting/corpus.js';
import type { Instead } from '../drafting/length.js';
import type { LogProb } from '../types.js';
import { observed, priorSurvival, type Survival, shifted, survivalOf, unseen } from './survival.js';

/** What is known of the guesses of a source that takes no pass. */
export interface FreeLearned {
  /** Of guesses where it has as long an ending of the text as is looked at: the text repeats something. */
  readonly repeated: Survival;
  /** Of guesses behind shorter endings. */
  readonly other: Survival;
}

/** Which of the two. */
type Kind = keyof FreeLearned;

/**
 * What sources are worth that take no pass and guess in place of the draft. Only the ending that they have of the text, and how
 * far they guess, tell how many of their guesses are accepted: a corpus is as sure behind a wrong ending as behind a right one.
 */
export class FreeWorth {
  readonly #untold: LogProb;
  #first: Survival;
  readonly #learned: FreeLearned[];
  /** Who guesses in this step. */
  #chosen: { readonly source: number; readonly kind: Kind } | undefined;

  /**
   * @param untold the log-probability that stands for each guess
   * @param threshold of a joint rule, (0, 1]; 1 for the lossless ones
   */
  constructor(
    sources: number,
    untold: LogProb,
    threshold: number,
    learned: readonly FreeLearned[] | undefined,
  ) {
    this.#untold = untold;
    this.#first = priorSurvival(threshold);
    const nothing = { repeated: this.#first, other: this.#first };
    this.#learned = Array.from({ length: sources }, (_, source) => learned?.[source] ?? nothing);
  }

  /** For the next text, by source. */
  get learned(): readonly FreeLearned[] {
    return [...this.#learned];
  }

  /**
   * Chooses who guesses in a step.
   * @param matched tokens of the text's end that each source has, [0..LONGEST_ENDING]; 0 = it guesses nothing
   * @param most guesses in a row
   * @param worthOf so many guesses of which so many are expected to be accepted, in tokens
   * @param least what a choice must be worth more than
   */
  choose(
    matched: readonly number[],
    most: number,
    worthOf: (accepted: number, guesses: number) => number,
    least: number,
  ): Instead | undefined {
    let best: Instead | undefined;
    let worth = least;
    for (const [source, length] of matched.entries()) {
      if (length === 0) continue;
      const survival = this.#learned[source]![kindOf(length)];
      let accepted = 0;
      for (let guesses = 1; guesses <= most; guesses++) {
        accepted += survivalOf(survival, guesses * this.#untold);
        if (worthOf(accepted, guesses) <= worth) continue;
        worth = worthOf(accepted, guesses);
        best = { source, guesses };
      }
    }
    this.#chosen = best && { source: best.source, kind: kindOf(matched[best.source]!) };
    return best;
  }

  /** Learns from a step of which so many guesses were judged. @returns whether one of the sources guessed in it */
  learn(judged: number, accepted: number): boolean {
    const chosen = this.#chosen;
    for (const [source, { repeated, other }] of this.#learned.entries()) {
      const seen = (kind: Kind, survival: Survival) =>
        chosen?.source === source && chosen.kind === kind
          ? this.#observed(survival, judged, accepted)
          : unseen(survival, this.#first);
      this.#learned[source] = { repeated: seen('repeated', repeated), other: seen('other', other) };
    }
    return chosen !== undefined;
  }

  #observed(survival: Survival, judged: number, accepted: number): Survival {
    const guesses = Array.from({ length: judged }, (_, i) => i);
    return guesses.reduce((now, i) => observed(now, (i + 1) * this.#untold, i < accepted), survival);
  }

  /** The threshold has moved, by so much of its natural log. */
  thresholdMoved(move: number): void {
    for (const [source, { repeated, other }] of this.#learned.entries())
      this.#learned[source] = { repeated: shifted(repeated, move), other: shifted(other, move) };
    this.#first = shifted(this.#first, move);
  }
}

function kindOf(matched: number): Kind {
  return matched >= LONGEST_ENDING ? 'repeated' : 'other';
}
