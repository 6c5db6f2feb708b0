/** One step in so many is asked whether to guess, of as many as were plain in a row; each of them after MOST_RESTING. */
const RESTING = 4;
const MOST_RESTING = 16;

/**
 * Steps that are plain without being asked whether to guess, since it did not pay in those before: what decides changes little
 * from one plain step to the next.
 */
export class Pause {
  #plain = 0; // steps in a row that were asked, and for which guessing did not pay
  #left = 0;

  get isOn(): boolean {
    return this.#left > 0;
  }

  /** A step was asked. */
  asked(isWorthGuessing: boolean): void {
    this.#plain = isWorthGuessing ? 0 : this.#plain + 1;
    this.#left = Math.min(MOST_RESTING, Math.floor(this.#plain / RESTING));
  }

  /** A step has passed, asked or not. */
  passed(): void {
    if (this.#left > 0) this.#left--;
  }
}
