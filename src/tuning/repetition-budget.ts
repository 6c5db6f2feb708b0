import type { Step } from '../decoding/loop.js';
import type { TokenId } from '../types.js';

/** Tokens in a row that count as repeated when they were written before. */
const GRAM = 4;

/** The bound where the quality is bounded and nothing is said of repetition: near what plain sampling of stories has. */
export const USUAL_SHARE = 0.05;

/** How far one repeated token moves the width, in beams. */
const RATE = 0.5;

/** How much a text has repeated itself so far. */
export interface Repetition {
  /** Beams now, >= 1. */
  readonly beamWidth: number;
  /** Share of its tokens that end a run of 4 tokens which it had before, [0, 1]. */
  readonly share: number;
  /** Whether the share is above what was asked for now. Where it stays there, with one beam, it is out of reach. */
  readonly isAtLimit: boolean;
}

/**
 * The beam width that a bound on repetition allows. Beams find likelier text, and likelier text repeats itself: the width is
 * the dial. It begins at one beam, falls with each repeated token, rises with each other one, and is one wherever the text
 * has repeated more than it may.
 *
 * The target's own expectation at the same places, which tells the perplexity that plain sampling would have had, does not
 * tell its repetition: once a text repeats itself, the target expects it to.
 */
export class RepetitionBudget {
  readonly #most: number;
  readonly #share: number;
  readonly #seen = new Set<string>();
  #last: TokenId[] = [];
  #width = 1;
  #repeated = 0;
  #tokens = 0;

  /** @param share of repeated tokens at most, [0, 1]; @param most beams, >= 1 */
  constructor(share: number, most: number) {
    this.#share = share;
    this.#most = most;
  }

  /** A new text: the width stays where it is. */
  restart(): void {
    this.#seen.clear();
    this.#last = [];
    this.#repeated = 0;
    this.#tokens = 0;
  }

  /** [1..most] */
  get beamWidth(): number {
    return this.#isSpent ? 1 : Math.round(this.#width);
  }

  get repetition(): Repetition {
    return {
      beamWidth: this.beamWidth,
      share: this.#tokens === 0 ? 0 : this.#repeated / this.#tokens,
      isAtLimit: this.#isSpent,
    };
  }

  learn({ emitted }: Step): void {
    for (const token of emitted) {
      this.#last = [...this.#last.slice(1 - GRAM), token];
      this.#tokens++;
      const isRepeated = this.#last.length === GRAM && this.#wasSeen(this.#last.join(' '));
      if (isRepeated) this.#repeated++;
      const move = RATE * (this.#share - (isRepeated ? 1 : 0));
      this.#width = Math.max(1, Math.min(this.#most, this.#width + move));
    }
  }

  get #isSpent(): boolean {
    return this.#repeated > this.#share * this.#tokens;
  }

  #wasSeen(gram: string): boolean {
    if (this.#seen.has(gram)) return true;
    this.#seen.add(gram);
    return false;
  }
}
