import { Presets, SingleBar } from 'cli-progress';
import ora, { type Ora } from 'ora';

/** A prompt shorter than this is read in a moment. In tokens, over both models. */
const LONG_PROMPT = 512;

/** Updates over which the time left is reckoned: more than there are writers, whose speeds differ. */
const ETA_BUFFER = 40;

/** What happens before the first token, on standard error if it is a terminal: a spinner or a bar, never both. */
export class Progress {
  readonly enabled: boolean;
  #spinner: Ora | undefined;
  #bar: SingleBar | undefined;

  constructor(enabled: boolean) {
    this.enabled = enabled && process.stderr.columns > 0; // ora redraws for ever on a terminal without width
  }

  loading(text: string): void {
    if (!this.enabled) return;
    if (this.#spinner) this.#spinner.text = text;
    else this.#spinner = ora({ text, stream: process.stderr, discardStdin: false }).start();
  }

  prefill(done: number, total: number): void {
    if (total >= LONG_PROMPT)
      this.#draw('Reading the prompt {bar} {value}/{total} tokens, {eta_formatted} left', done, total);
  }

  generations(done: number, total: number): void {
    this.#draw('Benchmark {bar} {value}/{total} texts, {eta_formatted} left', done, total);
  }

  download(file: string, done: number, total: number): void {
    this.#draw(`{bar} {value}/{total} MB, {eta_formatted} left, ${file}`, done, total);
  }

  /** Clears the line. To be called before anything else is written. Idempotent. */
  stop(): void {
    this.#stopSpinner();
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #draw(format: string, done: number, total: number): void {
    if (!this.enabled) return;
    this.#stopSpinner();
    if (!this.#bar) {
      this.#bar = new SingleBar(
        { format, stream: process.stderr, clearOnComplete: true, hideCursor: true, etaBuffer: ETA_BUFFER },
        Presets.shades_classic,
      );
      this.#bar.start(total, 0);
    }
    this.#bar.update(done);
  }

  #stopSpinner(): void {
    this.#spinner?.stop();
    this.#spinner = undefined;
  }
}
