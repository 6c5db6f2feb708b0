import { performance } from 'node:perf_hooks';
import { stopping } from './api-error.js';
import { Turns } from './turns.js';

/** Does work in the order of the requests, until the server stops. */
export class WorkQueue {
  readonly #turns: Turns;
  readonly #running = new Set<AbortController>();
  #isStopping = false;
  #idle: (() => void) | undefined;

  /** @param parallel number of pieces of work at the same time, >= 1 */
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
   * @param work gets the time that it waited, in milliseconds, and a signal. The signal is aborted with `signal`, and where the
   *   server stops and waits no longer
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

  /** Refuses the work that waits, and waits for the running work, at most `graceMs` milliseconds. */
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
