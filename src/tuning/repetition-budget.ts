import type { Step } from '../decoding/loop.js';
import type { TokenId } from '../types.js';

/** Length of the runs of tokens that count as repeated. */
const GRAM = 4;

/** The default bound beside a quality, near the repetition of plain sampling of stories. */
export const USUAL_SHARE = 0.05;

/**
 * The part of a low bound that is aimed at. Some texts repeat more than the bound allows whatever their beams, so the others
 * must stay below it for the bound to hold over all texts. A bound of 1 is aimed at as it is.
 */
const AIM = 0.5;

/** Beams by which one repeated token lowers the width. */
const RATE = 0.5;

/** The repetition of the text so far. */
export interface Repetition {
  /** The present number of beams, >= 1. */
  readonly beamWidth: number;
  /** Share of the tokens that end a run of 4 tokens which the text already had, [0, 1]. */
  readonly share: number;
  /** Whether the share is above the bound. Where it stays there with one beam, the bound is out of reach. */
  readonly isAtLimit: boolean;
}

/**
 * Moves the beam width so that texts stay below a bound on repetition. Beams find likelier text, and likelier text repeats
 * itself. The width begins at one beam, falls with each repeated token, rises with each other token, and is one while the
 * text is above what is aimed at.
 *
 * The target's expectation at the same places tells the perplexity of plain sampling, but not its repetition: once a text
 * repeats itself, the target expects the repetition.
 */
export class RepetitionBudget {
  readonly #most: number;
  readonly #share: number;
  readonly #aim: number;
  readonly #seen = new Set<string>();
  #last: TokenId[] = [];
  #width = 1;
  #repeated = 0;
  #tokens = 0;

  /** @param share the bound, [0, 1]; @param most the most beams, >= 1 */
  constructor(share: number, most: number) {
    this.#share = share;
    this.#aim = share * (AIM + (1 - AIM) * share);
    this.#most = most;
  }

  /** Begins a new text. The width stays. */
  restart(): void {
    this.#seen.clear();
    this.#last = [];
    this.#repeated = 0;
    this.#tokens = 0;
  }

  /** [1..most] */
  get beamWidth(): number {
    return this.#isAbove(this.#aim) ? 1 : Math.round(this.#width);
  }

  get repetition(): Repetition {
    return {
      beamWidth: this.beamWidth,
      share: this.#tokens === 0 ? 0 : this.#repeated / this.#tokens,
      isAtLimit: this.#isAbove(this.#share),
    };
  }

  learn({ emitted }: Step): void {
    for (const token of emitted) {
      this.#last = [...this.#last.slice(1 - GRAM), token];
      this.#tokens++;
      const isRepeated = this.#last.length === GRAM && this.#wasSeen(this.#last.join(' '));
      if (isRepeated) this.#repeated++;
      const move = RATE * (this.#aim - (isRepeated ? 1 : 0));
      this.#width = Math.max(1, Math.min(this.#most, this.#width + move));
    }
  }

  #isAbove(share: number): boolean {
    return this.#repeated > share * this.#tokens;
  }

  #wasSeen(gram: string): boolean {
    if (this.#seen.has(gram)) return true;
    this.#seen.add(gram);
    return false;
  }
}
