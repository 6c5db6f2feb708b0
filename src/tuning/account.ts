/** Plain passes that a first text may lose to guesses that are never right, before it has earned more. */
export const FIRST_PURSE = 5;
const FULL_PURSE = 20;

/** What of the plain time of each token goes into the purse, beyond what the token took. */
const INTEREST = 0.01;

/** How much of the speed so far the next step forgets. */
const SPEED_MEMORY = 0.98;

/** What a text has brought and taken: from this come the price of time, and what may still be lost. */
export class Account {
  readonly #plainMs: number;
  /** Of the last steps. */
  #tokens = 1;
  #ms: number;
  #purse: number;

  /**
   * @param plainMs milliseconds of a step without guesses, > 0
   * @param purse plain passes that the texts before have left
   */
  constructor(plainMs: number, purse = FIRST_PURSE) {
    this.#plainMs = plainMs;
    this.#ms = plainMs;
    this.#purse = purse * plainMs;
  }

  /** Tokens that a millisecond is worth: those that it brought of late, or would have brought without guesses. */
  get price(): number {
    return Math.max(this.#tokens / this.#ms, 1 / this.#plainMs);
  }

  /** Milliseconds that guesses may lose. */
  get purse(): number {
    return this.#purse;
  }

  /** The same in plain passes, as the next text takes it. */
  get left(): number {
    return this.#purse / this.#plainMs;
  }

  /** @param tokens of a step, @param ms what it took */
  add(tokens: number, ms: number): void {
    this.#tokens = SPEED_MEMORY * this.#tokens + tokens;
    this.#ms = SPEED_MEMORY * this.#ms + ms;
    const earned = (1 + INTEREST) * tokens * this.#plainMs;
    this.#purse = Math.min(FULL_PURSE * this.#plainMs, this.#purse + earned - ms);
  }
}
