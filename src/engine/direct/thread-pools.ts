import { Turns } from '../turns.js';
import type { Pointer } from './declare.js';
import type { Library } from './library.js';

/** Threads that stay alive between passes. Contexts of the same number share them, so that no pool waits for another. */
export interface ThreadPool {
  readonly pointer: Pointer;
  /** Runs tasks of the contexts on this pool one after another: two passes at once would take each other's threads. */
  readonly turns: Turns;
}

/** ggml's thread pools of an engine, one for each number of threads. */
export class ThreadPools {
  readonly #library: Library;
  readonly #pools = new Map<number, ThreadPool>();

  constructor(library: Library) {
    this.#library = library;
  }

  /** @param threads [1..512] */
  ofSize(threads: number): ThreadPool {
    const known = this.#pools.get(threads);
    if (known) return known;
    const pointer = this.#library.threadPoolNew(threads);
    if (!pointer) throw new Error(`llama.cpp cannot start ${threads} threads`);
    const pool = { pointer, turns: new Turns() };
    this.#pools.set(threads, pool);
    return pool;
  }

  /** Ends the threads. No context may be attached any more. */
  dispose(): void {
    for (const { pointer } of this.#pools.values()) this.#library.threadPoolFree(pointer);
    this.#pools.clear();
  }
}
