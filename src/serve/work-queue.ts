import { performance } from 'node:perf_hooks';
import { stopping } from './api-error.js';
import { Turns } from './turns.js';

/** Does work in the order in which it is asked for, until the server stops. */
export class WorkQueue {
  readonly #turns: Turns;
  readonly #running = new Set<AbortController>();
  #isStopping = false;
  #idle: (() => void) | undefined;

  /** @param parallel pieces of work that are done at once, >= 1 */
  constructor(parallel: number) {
    this.#turns = new Turns(parallel);
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#turns.waiting;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** @throws ApiError where the server stops, or too many wait */
  refuseIfClosed(): void {
    if (this.#isStopping) throw stopping();
    this.#turns.refuseIfFull();
  }

  /**
   * Waits for a turn, and does the work.
   * @param signal ends the wait, and is passed on to the work
   * @param work gets a signal that is aborted with `signal`, or where the server waits no longer; and how long it waited, ms
   * @throws what the work throws; the signal's reason; ApiError where the server stops
   */
  async run<T>(signal: AbortSignal, work: (ending: AbortSignal, queueMs: number) => Promise<T>): Promise<T> {
    const asked = performance.now();
    if (this.#isStopping) throw stopping();
    await this.#turns.take(signal);
    const controller = new AbortController();
    const abort = () => controller.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    this.#running.add(controller);
    try {
      if (this.#isStopping) throw stopping();
      return await work(controller.signal, performance.now() - asked);
    } finally {
      signal.removeEventListener('abort', abort);
      this.#running.delete(controller);
      this.#turns.done();
      if (this.#running.size === 0) this.#idle?.();
    }
  }

  /** Sends away the work that waits, and lets the running work come to its end, at most for `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#turns.refuseAll();
    if (this.#running.size === 0) return;
    const end = setTimeout(() => {
      for (const controller of this.#running) controller.abort(stopping());
    }, graceMs);
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    clearTimeout(end);
  }
}
