import { performance } from 'node:perf_hooks';

/** Adds up the time spent inside calls of a library. Both engines time llama.cpp by this one. */
export class CallClock {
  #ms = 0;

  get ms(): number {
    return this.#ms;
  }

  /** Makes a call and adds its time, whether it succeeds or not. A promise counts until it is settled. */
  time<T>(call: () => T): T {
    const started = performance.now();
    const add = () => {
      this.#ms += performance.now() - started;
    };
    try {
      const result = call();
      if (!(result instanceof Promise)) add();
      else result.then(add, add);
      return result;
    } catch (error) {
      add();
      throw error;
    }
  }
}
