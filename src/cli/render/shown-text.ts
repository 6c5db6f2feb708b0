import { HarmlessPieces } from '../harmless.js';
import type { Output } from '../io.js';
import { type Paint, WordWrap } from './word-wrap.js';

/** A text that comes in pieces, as a terminal shows it: no commands to the terminal, and lines that break between words. */
export class ShownText {
  readonly #harmless = new HarmlessPieces();
  readonly #wrap: WordWrap;

  /** @param wraps false: the terminal itself breaks the lines */
  constructor(terminal: Output, wraps: boolean) {
    this.#wrap = new WordWrap(() => (wraps ? (terminal.columns ?? 0) : 0));
  }

  next(text: string, paint: Paint): string {
    return this.#wrap.next(this.#harmless.next(text), paint);
  }

  /** Tells that the cursor has gone to the beginning of a line. */
  atLineStart(): void {
    this.#wrap.atLineStart();
  }

  /** @returns what was held back */
  end(): string {
    return this.#wrap.next(this.#harmless.end(), (text) => text) + this.#wrap.end();
  }
}
