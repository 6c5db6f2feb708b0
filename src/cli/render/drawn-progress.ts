import cliProgress, { Presets, SingleBar } from 'cli-progress';
import ora, { type Ora } from 'ora';
import { harmless } from '../harmless.js';
import type { Output } from '../io.js';
import type { Progress } from './progress.js';

const { TimeFormat } = cliProgress.Format; // which Node does not find among the names of this CommonJS module

/** Tokens, over both models. Shorter prompts take no time worth a bar. */
const LONG_PROMPT = 512;

/** Number of last updates by which the remaining time is estimated. */
const RECENT = 40;

/** Characters of a bar, if the line has room for it. */
const BAR_SIZE = 40;

/** Before the first progress, cli-progress gives a word in place of a number of seconds. */
const formatTime: typeof TimeFormat = (seconds, ...rest) =>
  typeof seconds === 'number' ? TimeFormat(seconds, ...rest) : '?';

/** Shows progress by a spinner or a bar, never both. */
export class DrawnProgress implements Progress {
  readonly enabled = true;
  readonly #stream: Output;
  #spinner: Ora | undefined;
  #bar: SingleBar | undefined;

  /** @param stream a terminal of some width: ora redraws for ever on one without */
  constructor(stream: Output) {
    this.#stream = stream;
  }

  loading(text: string): void {
    if (this.#spinner) this.#spinner.text = text;
    else this.#spinner = ora({ text, stream: this.#stream, discardStdin: false }).start();
  }

  prefill(done: number, total: number): void {
    if (total >= LONG_PROMPT)
      this.#draw('Reading the prompt {bar} {value}/{total} tokens, {eta_formatted} left', done, total);
  }

  generations(done: number, total: number): void {
    const all = total + 1; // contenders of different speeds take turns, so the pace of the whole run counts
    this.#draw('Benchmark {bar} {value}/{total} texts, {eta_formatted} left', done, total, all);
  }

  texts(done: number, total: number | undefined): void {
    if (total === undefined) this.loading(`${done} texts`);
    else this.#draw('{bar} {value}/{total} texts, {eta_formatted} left', done, total);
  }

  learning(done: number, total: number): void {
    this.#draw('Reading {bar} {value}/{total} MB, {eta_formatted} left', done / 1e6, total / 1e6);
  }

  download(file: string, done: number, total: number): void {
    this.#draw(`{bar} {value}/{total} MB, {eta_formatted} left, ${harmless(file)}`, done, total);
  }

  stop(): void {
    this.#stopSpinner();
    this.#bar?.stop();
    this.#bar = undefined;
  }

  /** Draws the bar. The pace is measured from the first call on. */
  #draw(format: string, done: number, total: number, etaBuffer = RECENT): void {
    this.#stopSpinner();
    if (this.#bar) this.#bar.update(done);
    else this.#start(format, done, total, etaBuffer);
  }

  #start(format: string, done: number, total: number, etaBuffer: number): void {
    const barsize = Math.max(0, Math.min(BAR_SIZE, this.#stream.columns! - widthBeside(format, total)));
    this.#bar = new SingleBar(
      {
        format,
        formatTime,
        barsize,
        etaBuffer,
        stream: this.#stream,
        clearOnComplete: true,
        hideCursor: true,
      },
      Presets.shades_classic,
    );
    this.#bar.start(total, done);
  }

  #stopSpinner(): void {
    this.#spinner?.stop();
    this.#spinner = undefined;
  }
}

/** The most characters of a line besides its bar. */
function widthBeside(format: string, total: number): number {
  const figures = { '{bar}': '', '{value}': `${total}`, '{total}': `${total}`, '{eta_formatted}': '59m59s' };
  return Object.entries(figures).reduce((line, [place, text]) => line.replace(place, text), format).length;
}
