import type { LogProb } from '../types.js';
import type { Learned } from './learned.js';
import {
  highestSurvivalOf,
  observed,
  priorSurvival,
  type Survival,
  shifted,
  survivalOf,
  UNTOLD,
  unseen,
} from './survival.js';

/** How much of the usual likelihood of a guess the next step forgets. */
const LIKELIHOOD_RATE = 0.03;

/** What is believed of the guesses of a draft: how likely each is to be accepted, and how likely the next ones will be. */
export class Belief {
  readonly #isTold: boolean;
  #threshold: number;
  /** What is believed of a draft of which nothing was seen. */
  #first: Survival;
  #survival: Survival;
  /** Of one guess given those before it, as a positive number: what the next ones will probably cost in likelihood. */
  #usualDrop: number;
  /** Steps without drafts that `#survival` does not know of yet. */
  #unseen = 0;

  /**
   * @param isTold whether log-probabilities of guesses tell how likely they are to be accepted
   * @param learned under the present threshold
   */
  constructor(isTold: boolean, { threshold, survival, usualDrop }: Learned) {
    this.#isTold = isTold;
    this.#threshold = threshold;
    this.#first = priorSurvival(threshold);
    this.#survival = survival;
    this.#usualDrop = isTold ? usualDrop : -UNTOLD;
  }

  get learned(): Pick<Learned, 'threshold' | 'survival' | 'usualDrop'> {
    return { threshold: this.#threshold, survival: this.#now, usualDrop: this.#usualDrop };
  }

  /** How likely all of these guesses are to be accepted. @param logQ joint, of so many guesses */
  chanceOf(logQ: LogProb, guesses: number): number {
    return guesses === 0 ? 1 : survivalOf(this.#now, this.told(logQ, guesses));
  }

  /** How likely the guess that follows on so many others is to be accepted. @param logQ joint, of the guesses so far, as told */
  chanceAhead(logQ: LogProb, further: number): number {
    return survivalOf(this.#now, logQ - further * this.#usualDrop);
  }

  /** An upper bound of that. */
  highestChanceAhead(logQ: LogProb, further: number): number {
    return highestSurvivalOf(this.#now, logQ - further * this.#usualDrop);
  }

  /** Expected accepted tokens of the first 0, 1, … guesses. @param logQ [d], joint, of the first 1, 2, … guesses */
  expected(logQ: readonly LogProb[]): number[] {
    const sums = [0];
    for (let i = 0; i < logQ.length; i++) sums.push(sums[i]! + this.chanceOf(logQ[i]!, i + 1));
    return sums;
  }

  /** The joint log-probability of so many guesses. */
  told(logQ: LogProb, guesses: number): LogProb {
    return this.#isTold ? logQ : guesses * UNTOLD;
  }

  /** Learns from a draft that was judged. @param logQ [d], joint, of the first 1, 2, … guesses; @param accepted of these */
  learn(logQ: readonly LogProb[], accepted: number): void {
    this.#survival = this.#now;
    for (const [i, q] of logQ.entries())
      this.#survival = observed(this.#survival, this.told(q, i + 1), i < accepted);
    if (this.#isTold && logQ.length > 0)
      this.#usualDrop += LIKELIHOOD_RATE * (-logQ.at(-1)! / logQ.length - this.#usualDrop);
  }

  /** A step had no draft. */
  rest(): void {
    this.#unseen++;
  }

  /** The threshold has moved, by so much of its natural log. */
  thresholdMoved(move: number): void {
    this.#threshold = Math.min(1, this.#threshold * Math.exp(move));
    this.#survival = shifted(this.#now, move);
    this.#first = shifted(this.#first, move);
  }

  get #now(): Survival {
    if (this.#unseen > 0) this.#survival = unseen(this.#survival, this.#first, this.#unseen);
    this.#unseen = 0;
    return this.#survival;
  }
}
