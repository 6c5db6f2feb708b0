import type { BatchToken, HiddenState } from '../engine/passes.js';
import type { Prefix } from '../types.js';

/** States that are kept at most; beyond, the oldest are dropped. */
const MOST = 1024;

/**
 * The target's hidden states along the end of the committed text, which its drafting head goes on from. It hears of every pass
 * of the target. A state of a guess counts when the guess has become text.
 */
export class HiddenTrail {
  readonly #states = new Map<number, HiddenState>(); // by position in the committed text
  #guesses: readonly { readonly item: BatchToken; readonly state: HiddenState }[] = []; // of the last pass
  #bookmark = -1;

  /** @returns the state at a position of the text; undefined: it is not known any more */
  at(position: number): HiddenState | undefined {
    return this.#states.get(position);
  }

  /** @returns the first position in [from, to) whose state is not known */
  firstLacking(from: number, to: number): number | undefined {
    for (let position = from; position < to; position++) if (!this.#states.has(position)) return position;
    return undefined;
  }

  /**
   * Hears of a pass.
   * @param states one for each token of the batch; undefined: the engine does not tell
   * @param length tokens of the committed text
   */
  heard(batch: readonly BatchToken[], states: readonly HiddenState[] | undefined, length: number): void {
    const all = batch.map((item, i) => ({ item, state: states?.[i] }));
    for (const { item, state } of all)
      if (item.position < length) {
        if (state) this.#states.set(item.position, state);
        else this.#states.delete(item.position);
      }
    this.#guesses = all.flatMap(({ item, state }) =>
      state && item.position >= length ? [{ item, state }] : [],
    );
    for (const position of this.#states.keys()) {
      if (this.#states.size <= MOST) break;
      if (position !== this.#bookmark) this.#states.delete(position);
    }
  }

  /** Must be called when the text has grown. @param from the number of tokens before */
  grown(prefix: Prefix, from: number): void {
    let path: readonly number[] | undefined; // sequences of the guesses that the text may have come by: alike ones may be several
    for (let position = from; position < prefix.length; position++) {
      const alike = this.#guesses.filter(
        ({ item }) =>
          item.position === position &&
          item.token === prefix[position] &&
          (path === undefined || item.sequences.every((sequence) => path!.includes(sequence))),
      );
      if (alike.length === 0) break;
      this.#states.set(position, alike[0]!.state);
      path = alike.flatMap(({ item }) => item.sequences);
    }
    this.#guesses = [];
  }

  /** Must be called when the text is another one behind its first `length` tokens. */
  cut(length: number): void {
    for (const position of this.#states.keys()) if (position >= length) this.#states.delete(position);
    this.#guesses = [];
  }

  /** Keeps the state at a position, to come back to. */
  bookmark(position: number): void {
    this.#bookmark = position;
  }

  /** Drops the states that the head has gone on from. */
  dropBefore(position: number): void {
    for (const known of this.#states.keys())
      if (known < position && known !== this.#bookmark) this.#states.delete(known);
  }
}
