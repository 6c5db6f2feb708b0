import type { Library, Pointer } from './library.js';

/**
 * Keeps what a rollback may ask for in the cache of a model with a sliding window. Looking for room, llama.cpp takes
 * the first cell that is empty or has left the window of the only sequence it belongs to, even where others are empty
 * (`find_slot` in llama-kv-cache.cpp). It takes no cell of two sequences. So one more sequence, in which nothing is
 * evaluated, holds whatever any other holds.
 */
export class CellKeeper {
  readonly #library: Library;
  readonly #memory: Pointer;
  readonly #window: number;
  readonly #sequence: number;
  #changed = 0; // position from which on the sequences may hold something else than the last time

  /**
   * @param window tokens that a layer with a window sees
   * @param sequence the one that is free to use
   */
  constructor(library: Library, memory: Pointer, window: number, sequence: number) {
    this.#library = library;
    this.#memory = memory;
    this.#window = window;
    this.#sequence = sequence;
  }

  /** To be told of every token that is added to a sequence or removed from one. */
  changedFrom(position: number): void {
    this.#changed = Math.min(this.#changed, position);
  }

  /** Before a pass, since nothing else takes cells. @param lengths tokens per sequence */
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
