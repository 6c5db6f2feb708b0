import { Presets, SingleBar } from 'cli-progress';
import ora, { type Ora } from 'ora';

/** A prompt shorter than this is read in a moment. In tokens, over both models. */
const LONG_PROMPT = 512;

/** What happens before the first token, on standard error if it is a terminal: a spinner or a bar, never both. */
export class Progress {
  readonly #enabled: boolean;
  #spinner: Ora | undefined;
  #bar: SingleBar | undefined;

  constructor(enabled: boolean) {
    this.#enabled = enabled && process.stderr.columns > 0; // ora redraws for ever on a terminal without width
  }

  loading(text: string): void {
    if (!this.#enabled) return;
    this.#spinner = ora({ text, stream: process.stderr, discardStdin: false }).start();
  }

  prefill(done: number, total: number): void {
    if (!this.#enabled || total < LONG_PROMPT) return;
    this.#stopSpinner();
    if (!this.#bar) {
      const format = 'Reading the prompt {bar} {value}/{total} tokens, {eta_formatted} left';
      this.#bar = new SingleBar(
        { format, stream: process.stderr, clearOnComplete: true, hideCursor: true },
        Presets.shades_classic,
      );
      this.#bar.start(total, 0);
    }
    this.#bar.update(done);
  }

  /** Clears the line. To be called before anything else is written. Idempotent. */
  stop(): void {
    this.#stopSpinner();
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #stopSpinner(): void {
    this.#spinner?.stop();
    this.#spinner = undefined;
  }
}
