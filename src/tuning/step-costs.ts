import { type CostCurves, passMs } from './cost-curves.js';

/** Guesses in a row at most, whatever they promise. */
export const MOST_GUESSES = 16;

/** The same where recurrent layers of the target keep a state for each token to take back, which costs memory. */
export const MOST_TAKEN_BACK = 8;

/**
 * The share of plain time that the draft model may take to read what was written without it, at no cost to the purse. Each
 * token is read once, so that no text loses more by it.
 */
const CATCH_UP = 0.02;

/** What the next step of a text costs, in milliseconds by the curves. */
export class StepCosts {
  /** Of the target by rows, [1..MOST_GUESSES + 1]. */
  readonly #target: readonly number[];
  readonly #costs: CostCurves;
  /** Of a step without guesses. */
  readonly plainMs: number;
  #layerMs: number;
  /** Committed tokens that the draft model has not read. */
  #unread = 1;

  /** @param beamWidth beams in a pass of the draft model, >= 1 */
  constructor(costs: CostCurves, beamWidth: number) {
    this.#costs = costs;
    this.#target = Array.from({ length: MOST_GUESSES + 2 }, (_, rows) =>
      passMs(costs.target, Math.max(1, rows)),
    );
    this.plainMs = this.#target[1]!;
    this.#layerMs = this.#layerOf(beamWidth);
  }

  get unread(): number {
    return this.#unread;
  }

  beamsChanged(beamWidth: number): void {
    this.#layerMs = this.#layerOf(beamWidth);
  }

  /** Of the target's pass. */
  targetMs(rows: number): number {
    return this.#target[rows] ?? passMs(this.#costs.target, rows);
  }

  /**
   * Of the draft model's passes from one depth to another. The first one also reads what was committed since the last: here
   * what a step leaves to be read. What plain steps left beyond that is read once, and is no price of guessing.
   */
  draftMs(from: number, to: number): number {
    return this.#passesMs(from, to, this.#recent);
  }

  /** The same, with all that counts as lost where no guess is right. */
  chargedMs(passes: number): number {
    return passes === 0 ? 0 : this.#passesMs(0, passes, this.#charged);
  }

  /** What a step costs more than a plain one. */
  lossOf(guesses: number): number {
    return this.targetMs(guesses + 1) + this.chargedMs(guesses) - this.plainMs;
  }

  /** Guesses of which none need be right for the purse to pay for them: [0..most]. */
  affordable(purse: number, most: number): number {
    let guesses = most; // costs rise in steps, and are at times lower for more rows
    while (guesses > 0 && this.lossOf(guesses) > purse) guesses--;
    return guesses;
  }

  /** A step has emitted tokens. @param read what the draft model has read of them and of those before */
  emitted(tokens: number, read: number): void {
    this.#unread += tokens - read;
  }

  get #recent(): number {
    return Math.min(this.#unread, MOST_GUESSES + 1);
  }

  /** Tokens whose reading counts as lost: all, unless those of the plain steps are read in a small part of their time. */
  get #charged(): number {
    const rest = this.#passesMs(0, 1, this.#unread) - this.#passesMs(0, 1, this.#recent);
    return rest > CATCH_UP * this.#unread * this.plainMs ? this.#unread : this.#recent;
  }

  /** @param unread tokens that the first pass reads */
  #passesMs(from: number, to: number, unread: number): number {
    const { draft } = this.#costs;
    if (!draft || to === from) return 0;
    const first = from === 0 ? passMs(draft, unread) : 0;
    return first + (to - Math.max(1, from)) * this.#layerMs;
  }

  #layerOf(beamWidth: number): number {
    return this.#costs.draft ? passMs(this.#costs.draft, beamWidth) : 0;
  }
}
