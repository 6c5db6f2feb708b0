import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';

/** Milliseconds from one return to the next at least: each takes some, and what is used again must be mapped again. */
const EVERY_MS = 1000;

/** Gives freed memory back to the system, on another thread. */
export type Trim = () => Promise<unknown>;

/** Returns glibc's; undefined where the C library has none. */
export function openTrim(koffi: Pick<typeof import('koffi')['default'], 'load'>): Trim | undefined {
  try {
    const trim = promisify(koffi.load(null).func('int malloc_trim(size_t pad)').async);
    return () => trim(0);
  } catch {
    return undefined;
  }
}

/**
 * The memory that was freed and that malloc keeps for later. glibc has an arena for each thread, and contexts that come and go
 * with texts leave it in pieces there: hundreds of MiB after hundreds of texts at once.
 */
export class FreedMemory {
  readonly #trim: Trim | undefined;
  #last = performance.now();

  /** @param trim undefined: the C library keeps what it keeps */
  constructor(trim: Trim | undefined) {
    this.#trim = trim;
  }

  /** Gives it back, unless that was done within the last second. */
  async giveBack(): Promise<void> {
    const now = performance.now();
    if (now - this.#last < EVERY_MS) return;
    this.#last = now;
    await this.#trim?.();
  }
}
