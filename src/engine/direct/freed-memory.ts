import { onOtherThread } from './declare.js';

/** Milliseconds from the first context that is freed to the return: what comes and goes meanwhile is mapped but once. */
const SOON_MS = 1000;

/** Gives freed memory back to the system, on another thread. */
export type Trim = () => Promise<unknown>;

/** Returns glibc's; undefined where the C library has none. */
export function openTrim(koffi: Pick<typeof import('koffi')['default'], 'load'>): Trim | undefined {
  try {
    const trim = onOtherThread<[pad: number], number>(koffi.load(null).func('int malloc_trim(size_t pad)'));
    return () => trim(0);
  } catch {
    return undefined;
  }
}

/**
 * The memory that was freed and that malloc keeps for later. glibc has an arena for each thread, and contexts that come and go
 * with texts leave it in pieces there.
 */
export class FreedMemory {
  readonly #trim: Trim | undefined;
  #isDue = false;

  /** @param trim undefined: the C library keeps what it keeps */
  constructor(trim: Trim | undefined) {
    this.#trim = trim;
  }

  /** Gives it back within a second, with all that is freed until then. A process that ends does not wait for that. */
  giveBackSoon(): void {
    const trim = this.#trim;
    if (this.#isDue || !trim) return;
    this.#isDue = true;
    setTimeout(() => {
      this.#isDue = false;
      void trim();
    }, SOON_MS).unref();
  }
}
