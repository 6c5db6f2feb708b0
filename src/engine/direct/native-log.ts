import { tellLog } from '../llama/complaints.js';
import type { Pointer } from './declare.js';

type Koffi = typeof import('koffi')['default'];

/** ggml's levels (enum ggml_log_level). */
const LEVELS = { info: 2, warning: 3, error: 4 };

/**
 * llama.cpp's log, which goes to standard error where nobody takes it. It is for the whole process. A function of JavaScript
 * takes it only where somebody listens: a thread of llama.cpp that logs while the process ends would wait for it for ever.
 */
export class NativeLog {
  readonly #set: (take: Pointer, data: Pointer | null) => void;
  readonly #get: (take: BigUint64Array, data: BigUint64Array) => void;
  readonly #hear: Pointer;
  #lowest = LEVELS.warning;
  #hearing = 0;
  #before: readonly [Pointer, Pointer] = [0n, 0n];

  /** From now on the log goes nowhere. */
  constructor(koffi: Koffi, main: string) {
    const library = koffi.load(main);
    this.#set = library.func('void llama_log_set(void *take, void *data)');
    this.#get = library.func('void llama_log_get(void *take, void *data)');
    const hear = (level: number, text: Pointer) => {
      if (level >= this.#lowest && level <= LEVELS.error)
        tellLog(level === LEVELS.error, koffi.decode(text, 'char', -1) as string);
    };
    this.#hear = koffi.register(hear, koffi.pointer(koffi.proto('void (int level, void *text, void *data)')));
    const c = koffi.load(null);
    const nothing: Pointer = c.func('void *dlsym(void *handle, const char *name)')(null, 'abs'); // does nothing with a level
    this.#set(nothing, null);
  }

  get tellsAll(): boolean {
    return this.#lowest === LEVELS.info;
  }

  /** Tells complaints all lines from the level of information on. */
  tellAll(): void {
    this.#lowest = LEVELS.info;
    this.#set(this.#hear, null);
  }

  /** Tells complaints warnings and errors during a call; then the log goes where it went before. */
  async heard<T>(call: () => Promise<T>): Promise<T> {
    this.#hearing += 1;
    if (this.#hearing === 1) {
      const [take, data] = [new BigUint64Array(1), new BigUint64Array(1)];
      this.#get(take, data);
      this.#before = [take[0]!, data[0]!];
      this.#set(this.#hear, null);
    }
    try {
      return await call();
    } finally {
      this.#hearing -= 1;
      if (this.#hearing === 0) this.#set(...this.#before);
    }
  }
}
