import { LONGEST_ENDING } from '../drafting/corpus.js';
import type { InPlaceOfDraft } from '../drafting/length.js';
import type { LogProb } from '../types.js';
import type { FreeLearned, Learned } from './learned.js';
import {
  highestSurvivalOf,
  observed,
  priorSurvival,
  type Survival,
  shifted,
  survivalOf,
  unseen,
} from './survival.js';

/**
 * A source that was not chosen in so many steps in which it had something is asked with the best that may still be true of it;
 * and so is the draft.
 */
const PATIENCE = 32;

/** Steps that are left to a draft of which nothing is known, before any source guesses in its place. */
const SEEN = 8;

/** Guesses at most of a source that is asked so. */
const PROBE = 4;

/** How much of what steps of the draft were worth beyond their forecast the next one forgets. */
const RATE = 0.03;

/** What a text knows of them, for the next. */
type Known = Pick<Learned, 'freeSources' | 'draftGain'>;

/** Whether the text repeats something. */
type Kind = keyof FreeLearned;

/**
 * What sources are worth that take no pass and guess in place of the draft. Only the ending that they have of the text, and how
 * far they guess, tell how many of their guesses are accepted: a corpus is as sure behind a wrong ending as behind a right one.
 * They are weighed against what steps of the draft turn out to be worth, which is more than is foretold before the first guess:
 * the draft goes on where it is sure, and ends where it is not.
 */
export class FreeWorth {
  readonly #untold: LogProb;
  #first: Survival;
  readonly #learned: FreeLearned[];
  /** By source: steps in which it had something, since it was last asked. A text begins half-way. */
  readonly #waited: number[];
  /** Tokens that steps of the draft were worth of late beyond what was foretold of them, where a source had something. */
  #draftGain: number;
  /** Steps of the draft that this is the mean of, as far as they count. */
  #draftSteps: number;
  /** Steps in which a source had something, until the draft is asked: 0 or less = now. */
  #untilDraft: number;
  /** What was foretold of this step of the draft; undefined: no source had anything, or one of them guesses. */
  #foretold: number | undefined;
  /** The source of this step's guesses. */
  #chosen: { readonly source: number; readonly kind: Kind } | undefined;

  /**
   * @param untold the log-probability that stands for each guess
   * @param threshold of a joint rule, (0, 1]; 1 for the lossless ones
   */
  constructor(sources: number, untold: LogProb, threshold: number, { freeSources = [], draftGain }: Known) {
    this.#untold = untold;
    this.#first = priorSurvival(threshold);
    const nothing = { repeated: this.#first, other: this.#first };
    this.#learned = Array.from({ length: sources }, (_, source) => freeSources[source] ?? nothing);
    this.#waited = this.#learned.map(() => PATIENCE / 2);
    this.#draftGain = draftGain ?? 0;
    this.#draftSteps = draftGain === undefined ? 0 : 1 / RATE;
    this.#untilDraft = draftGain === undefined ? 1 - SEEN : PATIENCE / 2;
  }

  get learned(): Required<Known> {
    return { freeSources: [...this.#learned], draftGain: this.#draftGain };
  }

  /**
   * Chooses the source of a step's guesses: the one that is expected to be worth most. Now and then a source counts as good as
   * it may still be, so that one that was seldom right before is found out to be good.
   * @param matched tokens of the text's end that each source has, [0..LONGEST_ENDING]; 0 = it guesses nothing
   * @param most guesses in a row
   * @param worthOf so many guesses of which so many are expected to be accepted, in tokens
   * @param plain worth of a step without guesses
   * @param foretold worth of a step of the draft, as it is foretold before the first guess
   */
  choose(
    matched: readonly number[],
    most: number,
    worthOf: (accepted: number, guesses: number) => number,
    plain: number,
    foretold: number,
  ): InPlaceOfDraft | undefined {
    const isAnywhere = matched.some((length) => length > 0);
    this.#chosen = undefined;
    this.#foretold = isAnywhere ? foretold : undefined;
    const isRepeated = matched.some((length) => kindOf(length) === 'repeated');
    if (!isAnywhere || (!isRepeated && this.#isForDraft())) return undefined;
    let best: InPlaceOfDraft | undefined;
    let worth = Math.max(plain, foretold + this.#draftGain);
    for (const [source, length] of matched.entries()) {
      if (length === 0) continue;
      const isProbe = this.#isProbe(source);
      const chanceOf = isProbe ? highestSurvivalOf : survivalOf;
      const survival = this.#learned[source]![kindOf(length)];
      let accepted = 0;
      for (let guesses = 1; guesses <= most; guesses++) {
        accepted += chanceOf(survival, guesses * this.#untold);
        if (worthOf(accepted, guesses) <= worth) continue;
        worth = worthOf(accepted, guesses);
        best = { source, guesses: isProbe ? Math.min(PROBE, guesses) : guesses };
      }
    }
    if (!best) {
      this.#untilDraft = Math.max(this.#untilDraft, PATIENCE);
      return undefined;
    }
    this.#waited[best.source] = 0;
    this.#chosen = { source: best.source, kind: kindOf(matched[best.source]!) };
    return best;
  }

  /** Whether the draft is to show what it is worth. */
  #isForDraft(): boolean {
    const isForDraft = this.#untilDraft <= 0;
    this.#untilDraft += this.#untilDraft === 0 ? PATIENCE : isForDraft ? 1 : -1;
    return isForDraft;
  }

  #isProbe(source: number): boolean {
    const isProbe = this.#waited[source]! >= PATIENCE;
    this.#waited[source] = isProbe ? 0 : this.#waited[source]! + 1;
    return isProbe;
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

  /** Learns what a step of the draft turned out to be worth. */
  learnDraft(worth: number): void {
    if (this.#chosen || this.#foretold === undefined) return;
    this.#draftSteps = Math.min(1 / RATE, this.#draftSteps + 1);
    this.#draftGain += (worth - this.#foretold - this.#draftGain) / this.#draftSteps;
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
