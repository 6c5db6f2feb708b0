import { setTimeout } from 'node:timers/promises';
import { type Llama, LlamaLogLevel } from 'node-llama-cpp';
import { type LogListener, logListeners } from './shared-llama.js';

/** Remembers llama.cpp's errors, because the exceptions and null pointers that follow them do not say what was wrong. */
export class Complaints {
  readonly #log: ((line: string) => void) | undefined;
  #errors: string[] = [];

  /** @param log receives llama.cpp's own log lines */
  constructor(llama: Llama, log: ((line: string) => void) | undefined) {
    if (log) llama.logLevel = LlamaLogLevel.info;
    this.#log = log;
    logListeners.add(this.#listen);
  }

  dispose(): void {
    logListeners.delete(this.#listen);
  }

  readonly #listen: LogListener = (level, text) => {
    const line = text.trim();
    this.#log?.(`[llama.cpp] ${line}`);
    if (level === LlamaLogLevel.error || level === LlamaLogLevel.fatal) this.#errors.push(line);
  };

  clear(): void {
    this.#errors = [];
  }

  /** The first error logged, which is the cause of the later ones; else the words of what was thrown. */
  async summary(error: unknown): Promise<string> {
    await setTimeout(100); // log lines come from another thread, after the exception
    const line = this.#errors[0]?.replace(/^\w+: (error loading model: )?/, '');
    return line ?? (error instanceof Error ? error.message : String(error));
  }
}
