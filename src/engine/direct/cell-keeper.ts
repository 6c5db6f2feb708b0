import type { Pointer } from './declare.js';
import type { Library } from './library.js';

/**
 * Keeps cells that a rollback may need, in the cache of a model with a sliding window. When llama.cpp needs room, it takes
 * the first cell that is empty or that has left the window of its only sequence, even if other cells are empty (`find_slot`
 * in llama-kv-cache.cpp). It takes no cell of two sequences. So an extra sequence, in which nothing is evaluated, holds all
 * cells of the others.
 */
export class CellKeeper {
  readonly #library: Library;
  readonly #memory: Pointer;
  readonly #window: number;
  readonly #sequence: number;
  #changed = 0; // position from which on the sequences may hold something else than the last time

  /**
   * @param window the sliding window in tokens
   * @param sequence the extra sequence
   */
  constructor(library: Library, memory: Pointer, window: number, sequence: number) {
    this.#library = library;
    this.#memory = memory;
    this.#window = window;
    this.#sequence = sequence;
  }

  /** Must be called for each token that is added to a sequence or removed from it. */
  changedFrom(position: number): void {
    this.#changed = Math.min(this.#changed, position);
  }

  /** Must be called before each pass, since only a pass takes cells. @param lengths number of tokens of each sequence */
  keep(lengths: readonly number[]): void {
    if (this.#changed === Infinity) return;
    this.#library.memoryRemove(this.#memory, this.#sequence, this.#changed, -1);
    const nothingLeftItsWindow = lengths.every((length) => length < this.#window);
    if (nothingLeftItsWindow) return;
    for (const sequence of lengths.keys())
      this.#library.memoryCopy(this.#memory, sequence, this.#sequence, this.#changed, -1);
    this.#changed = Infinity;
  }
}
