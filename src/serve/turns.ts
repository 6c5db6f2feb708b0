import { ApiError, stopping } from './api-error.js';

/** The most requests that wait. */
const MOST_WAITING = 512;

/** Hands out turns in the order of the requests, `atOnce` of them at the same time. */
export class Turns {
  #free: number;
  readonly #waiting: { readonly begin: () => void; readonly refuse: (error: unknown) => void }[] = [];

  /** @param atOnce >= 1 */
  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @throws ApiError 503 where too many wait */
  refuseIfFull(): void {
    if (this.#waiting.length >= MOST_WAITING)
      throw new ApiError(503, `${MOST_WAITING} requests are waiting already: try again later`, {
        code: 'overloaded',
      });
  }

  /**
   * Waits for a turn, which `done` ends.
   * @throws the signal's reason where it is aborted before; the place in the queue is then free
   */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(place), 1);
        reject(signal.reason);
      };
      const place = {
        begin: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
        refuse: (error: unknown) => {
          signal.removeEventListener('abort', leave);
          reject(error);
        },
      };
      this.#waiting.push(place);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Gives a turn to the next one. */
  done(): void {
    const next = this.#waiting.shift();
    if (next) next.begin();
    else this.#free++;
  }

  /** Refuses all that wait. */
  refuseAll(): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(stopping());
  }
}
