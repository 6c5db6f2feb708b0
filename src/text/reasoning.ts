import type { ReasoningMarks } from '../templates/reasoning-marks.js';
import { StopStrings } from './stop-strings.js';

/** A piece of text, and whether it belongs to the reasoning or to the answer. */
export interface Section {
  readonly text: string;
  readonly isReasoning: boolean;
}

/** An answer, and the reasoning before it; null: the model does not reason. */
export interface Reasoned {
  readonly text: string;
  readonly reasoning: string | null;
}

/** @returns the answer behind the reasoning */
export function answerOf({ text, reasoning }: Reasoned): string {
  return text.slice(reasoning?.length ?? 0);
}

/** @returns the reasoning without its marks; undefined: there is none */
export function thoughtOf(
  { reasoning }: Pick<Reasoned, 'reasoning'>,
  marks: ReasoningMarks | undefined,
): string | undefined {
  if (!reasoning || !marks) return undefined;
  const text = reasoning.trim();
  const opening = [marks.start, marks.skipped].find((mark) => mark !== undefined && text.startsWith(mark));
  const begin = opening?.length ?? 0;
  const end = text.endsWith(marks.end) ? text.length - marks.end.length : text.length;
  return text.slice(begin, Math.max(begin, end)).trim() || undefined;
}

/**
 * Separates the reasoning from the answer behind it, as the text comes. The marks, and the blank space behind the last one,
 * belong to the reasoning. Later in an answer marks are ordinary words.
 */
export class ReasoningSplitter {
  readonly #marks: ReasoningMarks;
  readonly #end: StopStrings;
  #place: 'before' | 'inside' | 'gap' | 'answer';
  #held = '';

  constructor(marks: ReasoningMarks) {
    this.#marks = marks;
    this.#end = new StopStrings([marks.end]);
    this.#place = marks.isOpen ? 'inside' : 'before';
  }

  push(text: string): Section[] {
    return this.#take(text).filter((section) => section.text !== '');
  }

  /** @returns whether these words may be a mark, or the beginning of one, at this place of the text */
  mayMark(words: string): boolean {
    if (this.#place === 'gap' || this.#place === 'answer') return false;
    const { start, end, skipped = '' } = this.#marks;
    return [start, end, skipped].some((mark) => mark.includes(words));
  }

  /** @returns the text that was held back, at the end of the text */
  flush(): Section[] {
    const rest = this.#place === 'inside' ? this.#end.flush() : this.#held;
    this.#held = '';
    return rest === '' ? [] : [{ text: rest, isReasoning: this.#place === 'inside' }];
  }

  #take(text: string): Section[] {
    if (this.#place === 'before') return this.#begin(this.#held + text);
    if (this.#place === 'inside') return this.#reason(text);
    if (this.#place === 'gap') return this.#leave(text);
    return [{ text, isReasoning: false }];
  }

  #begin(text: string): Section[] {
    const { start, skipped = start } = this.#marks;
    const words = text.trimStart();
    const isUndecided = [start, skipped].some((mark) => words.length < mark.length && mark.startsWith(words));
    this.#held = isUndecided ? text : '';
    if (isUndecided) return [];
    const mark = [start, skipped].find((one) => words.startsWith(one));
    if (mark === undefined) {
      this.#place = 'answer';
      return [{ text, isReasoning: false }];
    }
    this.#place = mark === start ? 'inside' : 'gap';
    const marked = text.length - words.length + mark.length;
    return [{ text: text.slice(0, marked), isReasoning: true }, ...this.#take(text.slice(marked))];
  }

  #reason(text: string): Section[] {
    const { shown, stopped } = this.#end.push(text);
    if (!stopped) return [{ text: shown, isReasoning: true }];
    this.#place = 'gap';
    const { end } = this.#marks;
    const rest = this.#end.flush().slice(end.length);
    return [{ text: shown + end, isReasoning: true }, ...this.#take(rest)];
  }

  #leave(text: string): Section[] {
    const answer = text.trimStart();
    if (answer !== '') this.#place = 'answer';
    return [
      { text: text.slice(0, text.length - answer.length), isReasoning: true },
      { text: answer, isReasoning: false },
    ];
  }
}
