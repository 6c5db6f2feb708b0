import type { LogProb } from '../types.js';
import type { Account } from './account.js';
import type { Belief } from './belief.js';
import type { StepCosts } from './step-costs.js';
import type { TailWorth } from './tail-worth.js';

/** What a step brings: its tokens, less the price of its time. A price turns milliseconds into tokens. */
export class StepWorth {
  readonly #costs: StepCosts;
  readonly #belief: Belief;
  readonly #account: Account;
  readonly #tail: TailWorth | undefined;

  constructor(costs: StepCosts, belief: Belief, account: Account, tail: TailWorth | undefined) {
    this.#costs = costs;
    this.#belief = belief;
    this.#account = account;
    this.#tail = tail;
  }

  /** Of a step without guesses of the model. */
  get plain(): number {
    return this.#of(0, 0, 1);
  }

  /** Of ending behind the first 0, 1, … guesses. @param expected accepted tokens of each */
  ends(expected: readonly number[]): number[] {
    return expected.map((accepted, guesses) => {
      const chance = guesses === 0 ? 1 : accepted - expected[guesses - 1]!;
      return this.#of(accepted, guesses, chance);
    });
  }

  /**
   * The best that can be had by guessing on.
   * @param depth guesses so far, q their joint log-probability as told, `expected` how many of them will be accepted
   * @param most further guesses at most
   * @param isAsGoodAsMayBe whether the draft counts as good as it may still be, by what was seen of it
   * @returns its worth and how many further guesses that takes, >= 1 unless there is room for none
   */
  ahead(
    depth: number,
    q: LogProb,
    expected: number,
    most: number,
    isAsGoodAsMayBe = false,
  ): { readonly worth: number; readonly guesses: number } {
    const { price } = this.#account;
    let best = Number.NEGATIVE_INFINITY;
    let guesses = 0;
    let accepted = expected;
    for (let further = 1; further <= most; further++) {
      const chance = isAsGoodAsMayBe
        ? this.#belief.highestChanceAhead(q, further)
        : this.#belief.chanceAhead(q, further);
      accepted += chance;
      const end = depth + further;
      const worth = this.#of(accepted, end, chance) - price * this.#costs.draftMs(depth, end);
      if (worth <= best) continue;
      best = worth;
      guesses = further;
    }
    return { worth: best, guesses };
  }

  /**
   * Of the target's pass over so many guesses.
   * @param chance that all are accepted, so that those of a tail count
   */
  #of(accepted: number, guesses: number, chance: number): number {
    const tail = chance * (this.#tail?.worth ?? 0);
    return 1 + accepted + tail - this.#account.price * this.#costs.targetMs(guesses + 1);
  }
}
