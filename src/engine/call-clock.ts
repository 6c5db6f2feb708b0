import { performance } from 'node:perf_hooks';

/** Adds up the time inside the calls of a library, in milliseconds. Both engines time llama.cpp with it. */
export class CallClock {
  #ms = 0;

  get ms(): number {
    return this.#ms;
  }

  /** Makes a call and adds its time, also after a failure. A promise counts until it is settled. */
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
