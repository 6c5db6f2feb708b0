import { setTimeout } from 'node:timers/promises';
import { ModelFileError, ResourceError } from '../../errors.js';

type LogListener = (isError: boolean, text: string) => void;

/** Listeners of llama.cpp's log. It logs for the whole process, not for each model. */
const listeners = new Set<LogListener>();

/** Tells all complaints of a line. */
export function tellLog(isError: boolean, text: string): void {
  for (const listener of listeners) listener(isError, text);
}

/** Log lines may come from another thread, after the exception: how long the first is waited for, and how often looked for. */
const LATEST_MS = 1000;
const LOOK_MS = 20;

/** Remembers the errors that llama.cpp logs. The exceptions and null pointers that follow them give no reason. */
export class Complaints {
  readonly #log: ((line: string) => void) | undefined;
  #errors: string[] = [];

  /** @param log called with each log line of llama.cpp */
  constructor(log: ((line: string) => void) | undefined) {
    this.#log = log;
    listeners.add(this.#listen);
  }

  dispose(): void {
    listeners.delete(this.#listen);
  }

  readonly #listen: LogListener = (isError, text) => {
    const line = text.trim();
    this.#log?.(`[llama.cpp] ${line}`);
    if (isError) this.#errors.push(line);
  };

  clear(): void {
    this.#errors = [];
  }

  /** @returns the first logged error, which causes the later ones; else the message of the thrown error */
  async summary(error: unknown): Promise<string> {
    for (let left = LATEST_MS; left > 0 && this.#errors.length === 0; left -= LOOK_MS)
      await setTimeout(LOOK_MS);
    const line = this.#errors[0]?.replace(/^\w+: (error loading model: )?/, '');
    return line ?? (error instanceof Error ? error.message : String(error));
  }
}

/** @returns the error for a model that llama.cpp could not load */
export async function loadFailure(path: string, cause: unknown, complaints: Complaints): Promise<Error> {
  const reason = await complaints.summary(cause);
  const Failure = /alloc|out of memory/i.test(reason) ? ResourceError : ModelFileError;
  return new Failure(`llama.cpp cannot load ${path}: ${reason}`, { cause });
}
