import type { BatchToken, Keep } from '../passes.js';

/**
 * Knows how far the sequences of a model with recurrent layers can be cut back. llama.cpp keeps the states after the last
 * `kept + 1` tokens of the last pass. It cuts a sequence back to one of them when asked, but:
 * - before the first token of that pass it restores an older state and says nothing;
 * - it cuts back once, until the next pass;
 * - a copy shares the state of the other sequence, and a cut of either would move both;
 * - a copy of a sequence that was cut back is one of the state before the cut.
 */
export class StateKeeper {
  readonly #kept: number;
  readonly #behind: number[]; // tokens that each sequence can forget
  readonly #isCut: boolean[]; // since its last pass

  constructor(sequences: number, kept: number) {
    this.#kept = kept;
    this.#behind = Array.from({ length: sequences }, () => 0);
    this.#isCut = Array.from({ length: sequences }, () => false);
  }

  /** Returns the fewest tokens to which a sequence can be cut back without forgetting all. */
  leastOf(sequence: number, length: number): number {
    return length - this.#behind[sequence]!;
  }

  /** @throws RangeError where a sequence cannot be cut back so far, or copied */
  check(keeps: readonly Keep[], held: readonly number[]): void {
    for (const { sequence, from, length } of keeps) {
      if (length === 0 || (sequence === from && length >= this.leastOf(from, held[from]!))) continue;
      const isWhole = length === held[from] && !this.#isCut[from];
      if (sequence === from || !isWhole)
        throw new RangeError(`Sequence ${from} of ${held[from]} tokens has no state of its first ${length}`);
    }
  }

  evaluated(batch: readonly BatchToken[]): void {
    const counts = new Map<number, number>();
    for (const { sequences } of batch)
      for (const sequence of sequences) counts.set(sequence, (counts.get(sequence) ?? 0) + 1);
    this.#behind.fill(0); // the states of others may have moved
    for (const [sequence, count] of counts) {
      this.#isCut[sequence] = false;
      if (counts.size === 1) this.#behind[sequence] = Math.min(this.#kept, count - 1);
    }
  }

  /** Must be called when a sequence was cut back, or emptied. */
  cut(sequence: number): void {
    this.#behind[sequence] = 0;
    this.#isCut[sequence] = true;
  }

  copied(from: number, to: number): void {
    this.#behind[from] = 0;
    this.#behind[to] = 0;
    this.#isCut[to] = false;
  }
}
