/**
 * The machines that were lost while llama.cpp waited for them, in a file of its own since it is asked at the end of every run,
 * where the engine may not even be loaded.
 */
let isLost = false;

/** Whether one was. Threads of llama.cpp never end then, so the process must be ended. */
export function isMachineLost(): boolean {
  return isLost;
}

/** Ends what waits for a machine when that is lost. */
export class Losses {
  readonly #waiting = new Set<(error: Error) => void>();
  #error: Error | undefined;

  /** To be called when a machine is lost. */
  tell(error: Error): void {
    isLost = true;
    this.#error = error;
    for (const fail of this.#waiting) fail(error);
  }

  /** @returns what the call returns @throws the error that was told of, before the call or while it runs */
  during<T>(call: () => Promise<T>): Promise<T> {
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      call()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }
}
