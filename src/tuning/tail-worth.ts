import type { LogProb } from '../types.js';
import type { Learned } from './learned.js';
import { observed, priorSurvival, type Survival, shifted, survivalOf, unseen } from './survival.js';

/** How much of what a tail brought the next step forgets. */
const RATE = 0.03;

/** What a text knows of the guesses of a tail, for the next. */
type TailLearned = NonNullable<Learned['tail']>;

/**
 * Guesses that take no pass, behind those of a model: how likely they are to be accepted if all before them are. They are
 * guessed by another source, so what the model's guesses have shown says nothing of them.
 */
export class TailWorth {
  readonly #untold: LogProb;
  readonly #isTold: boolean;
  #first: Survival;
  #survival: Survival;
  #worth: number;

  /**
   * @param isTold whether their log-probabilities tell how likely they are to be accepted; `untold` stands for each if not
   * @param threshold of a joint rule, (0, 1]; 1 for the lossless ones
   */
  constructor(isTold: boolean, untold: LogProb, threshold: number, learned: TailLearned | undefined) {
    this.#isTold = isTold;
    this.#untold = untold;
    this.#first = priorSurvival(threshold);
    this.#survival = learned?.survival ?? this.#first;
    this.#worth = learned?.worth ?? 0;
  }

  get learned(): TailLearned {
    return { survival: this.#survival, worth: this.#worth };
  }

  /** As `learned` says. Times the chance that the draft is accepted as a whole, it is what a tail adds to a step. */
  get worth(): number {
    return this.#worth;
  }

  /**
   * Whether there is a number of further guesses, one at least, that is worth its price.
   * @param logQ [n], of the first 1, 2, … guesses, of which the last is to be decided; those behind it are thought to be certain
   * @param chance that the draft before them is accepted as a whole
   * @param priceOf so many further guesses, in tokens; Infinity = they cannot be afforded
   * @param most of them
   */
  goesOn(
    logQ: readonly LogProb[],
    chance: number,
    priceOf: (guesses: number) => number,
    most: number,
  ): boolean {
    let gain = 0;
    for (let guesses = 1; guesses <= most; guesses++) {
      const q = this.#isTold ? logQ.at(-1)! : (logQ.length + guesses - 1) * this.#untold;
      gain += chance * survivalOf(this.#survival, q);
      if (gain > priceOf(guesses)) return true;
    }
    return false;
  }

  /**
   * Learns from a step with such guesses.
   * @param logQ of the first 1, 2, … guesses
   * @param accepted how many were; undefined: the draft before them was not, so that nothing is known
   * @param chance that the draft before them is accepted as a whole, (0, 1]: their price is paid also where it is not
   * @param price of their rows, in tokens
   * @param judged of these guesses, from the first on, >= 0; of the others it is not known whether they would be accepted
   */
  learn(
    logQ: readonly LogProb[],
    accepted: number | undefined,
    chance: number,
    price: number,
    judged = logQ.length,
  ): void {
    const told = logQ.map((q, i) => (this.#isTold ? q : (i + 1) * this.#untold));
    const brought = told.reduce((sum, q) => sum + survivalOf(this.#survival, q), 0);
    this.#worth += RATE * (Math.max(0, brought - price / chance) - this.#worth);
    if (logQ.length === 0) this.#survival = unseen(this.#survival, this.#first);
    if (accepted === undefined) return;
    for (const [i, q] of told.slice(0, judged).entries())
      this.#survival = observed(this.#survival, q, i < accepted);
  }

  /** The threshold has moved, by so much of its natural log. */
  thresholdMoved(move: number): void {
    this.#survival = shifted(this.#survival, move);
    this.#first = shifted(this.#first, move);
  }
}
