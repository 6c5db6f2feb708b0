import type { ReasoningMarks } from '../templates/reasoning-marks.js';
import { StopStrings } from '../text/stop-strings.js';

/** Removes the marks of reasoning while it is written, and the white space behind the first mark. */
export class ThoughtStream {
  readonly #openings: readonly string[];
  readonly #end: StopStrings;
  #held = '';
  #isBegun = false;
  #isOver = false;
  #known: number; // characters to come that were shown at the cut

  /** @param begun reasoning that was shown before and breaks off, with its marks */
  constructor(marks: ReasoningMarks, begun = '') {
    this.#openings = [marks.start, marks.skipped].filter((mark) => mark !== undefined);
    this.#end = new StopStrings([marks.end]);
    const thought = this.#begun(begun);
    const { shown, stopped } = this.#end.push(thought);
    this.#isOver = stopped;
    this.#known = thought.length - shown.length;
  }

  /** @returns the reasoning that may be shown */
  push(text: string): string {
    if (this.#isOver) return '';
    const { shown, stopped } = this.#end.push(this.#begun(text));
    this.#isOver = stopped;
    return this.#withoutKnown(shown);
  }

  /** Ends the text. @returns the rest of the reasoning, which was held back */
  end(): string {
    if (this.#isOver) return '';
    const isUnmarked = !this.#isBegun && !this.#openings.some((mark) => this.#held.startsWith(mark));
    return isUnmarked ? this.#held : this.#withoutKnown(this.#end.flush());
  }

  #withoutKnown(text: string): string {
    const known = Math.min(this.#known, text.length);
    this.#known -= known;
    return text.slice(known);
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
