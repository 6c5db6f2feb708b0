import { performance } from 'node:perf_hooks';
import type { CallClock } from '../call-clock.js';

/** Milliseconds. A shorter call runs on this thread: the way to another thread and back costs up to some tenths. */
const SHORT_MS = 2;

/** Milliseconds after which the event loop must have a turn, for signals, timers and output. */
const TURN_MS = 10;

/** A function of llama.cpp, in both of its forms. */
export interface Call<T> {
  /** On this thread, which waits. */
  readonly here: () => T;
  /** On another thread. */
  readonly elsewhere: () => Promise<T>;
}

/**
 * Runs calls of one kind on this thread if they are short, else on another one. How long a call takes is told by the last one
 * of the same width. What runs here does not keep the event loop for longer than some ten milliseconds.
 */
export class ShortCalls {
  readonly #mayWait: boolean;
  readonly #lastMs = new Map<number, number>(); // by width
  #lastTurn = -Infinity; // when the event loop last had a turn during a call, ms

  /** @param mayWait whether calls may run on this thread; those over a network may take any time */
  constructor(mayWait = true) {
    this.#mayWait = mayWait;
  }

  /** @param width the number of tokens that the call evaluates */
  async run<T>(width: number, { here, elsewhere }: Call<T>, clock: CallClock): Promise<T> {
    const before = clock.ms;
    const isShort = this.#mayWait && (this.#lastMs.get(width) ?? Infinity) < SHORT_MS;
    this.#lastMs.delete(width); // unknown after an error
    if (isShort && performance.now() - this.#lastTurn < TURN_MS) {
      const result = clock.time(here);
      this.#lastMs.set(width, clock.ms - before);
      return result;
    }
    const result = await clock.time(elsewhere);
    this.#lastTurn = performance.now();
    this.#lastMs.set(width, clock.ms - before);
    return result;
  }
}
