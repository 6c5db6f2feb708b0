import { performance } from 'node:perf_hooks';
import pLimit from 'p-limit';

/** Runs tasks one after another, in the order in which they come. Both engines keep their passes apart with it. */
export class Turns {
  readonly #limit = pLimit(1);

  /**
   * Returns the result of `task`, which begins when all earlier tasks have ended.
   * @param task receives the time that it waited for them, in milliseconds; 0 where there were none
   */
  take<T>(task: (waitMs: number) => T | Promise<T>): Promise<T> {
    const asked = performance.now();
    const isFree = this.#limit.activeCount + this.#limit.pendingCount === 0;
    return this.#limit(() => task(isFree ? 0 : performance.now() - asked));
  }
}
