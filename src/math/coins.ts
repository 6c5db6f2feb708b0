import type { Rng } from '../types.js';

/** Random numbers that can be taken back: those of a step that failed are those of the step that is tried in its place. */
export class Coins {
  readonly #rng: Rng;
  #tossed: number[] = []; // since the last `keep`
  #next = 0; // in them

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  readonly toss: Rng = () => {
    if (this.#next === this.#tossed.length) this.#tossed.push(this.#rng());
    return this.#tossed[this.#next++]!;
  };

  /** What was tossed stays tossed. */
  keep(): void {
    this.#tossed = this.#tossed.slice(this.#next);
    this.#next = 0;
  }

  /** Tosses once more what was tossed since the last `keep`. */
  takeBack(): void {
    this.#next = 0;
  }
}
