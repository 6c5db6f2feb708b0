import type { ReasoningMarks } from '../templates/reasoning-marks.js';
import { StopStrings } from '../text/stop-strings.js';

/** Removes the marks of reasoning while it is written, and the white space behind the first mark. */
export class ThoughtStream {
  readonly #openings: readonly string[];
  readonly #end: StopStrings;
  #held = '';
  #isBegun = false;
  #isOver = false;

  constructor(marks: ReasoningMarks) {
    this.#openings = [marks.start, marks.skipped].filter((mark) => mark !== undefined);
    this.#end = new StopStrings([marks.end]);
  }

  /** @returns the reasoning that may be shown */
  push(text: string): string {
    if (this.#isOver) return '';
    const { shown, stopped } = this.#end.push(this.#begun(text));
    this.#isOver = stopped;
    return shown;
  }

  /** Ends the text. @returns the rest of the reasoning, which was held back */
  end(): string {
    return this.#isOver ? '' : this.#end.flush();
  }

  #begun(text: string): string {
    if (this.#isBegun) return text;
    this.#held = (this.#held + text).trimStart();
    const held = this.#held;
    if (this.#openings.some((mark) => mark.startsWith(held) && mark !== held)) return '';
    const opening = this.#openings.find((mark) => held.startsWith(mark)) ?? '';
    const rest = held.slice(opening.length).trimStart();
    if (rest === '') return '';
    this.#isBegun = true;
    return rest;
  }
}
