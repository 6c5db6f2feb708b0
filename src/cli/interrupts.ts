import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const { warn, error } = console;
const VOICES = { warn, error };

/** The first Ctrl-C, or the end of the terminal, asks for an orderly end; a second Ctrl-C ends at once. */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #process: NodeJS.Process | undefined;
  #received: (typeof SIGNALS)[number] | undefined;

  /** @param from the process whose signals they are; undefined = none comes */
  constructor(from: NodeJS.Process | undefined) {
    this.#process = from;
    for (const name of SIGNALS) from?.on(name, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 128 + the number of the signal that was received; undefined = none. */
  get exitCode(): number | undefined {
    return this.#received && 128 + constants.signals[this.#received];
  }

  /** Ends the run without a signal, as after a closed pipe. */
  abort(): void {
    this.#controller.abort();
  }

  dispose(): void {
    if (this.#received) Object.assign(console, VOICES);
    for (const name of SIGNALS) this.#process?.off(name, this.#onSignal);
  }

  readonly #onSignal = (name: (typeof SIGNALS)[number]) => {
    if (this.#received && name === 'SIGHUP') return; // shell and system each send one when a terminal is closed
    if (this.#received) {
      this.dispose(); // the default action again: the process ends
      process.kill(process.pid, name);
      return;
    }
    this.#received = name;
    console.warn = console.error = () => {}; // Ctrl-C ends node-llama-cpp's processes too, of which it would tell
    this.#controller.abort();
  };
}
