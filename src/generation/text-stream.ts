import type { Tokenizer } from '../engine/engine.js';
import type { ReasoningMarks } from '../templates/reasoning-marks.js';
import type { TokenId } from '../types.js';
import { Detokenizer } from './detokenizer.js';
import { ReasoningSplitter, type Section } from './reasoning.js';
import { StopStrings } from './stop-strings.js';

/** A stretch of text, whether it was drafted, and whether it is an answer or the reasoning before it. */
export interface TextPiece extends Section {
  readonly drafted: boolean;
}

/** The text of pieces, one after another. */
export function textOf(pieces: readonly Section[]): string {
  return pieces.map(({ text }) => text).join('');
}

/** From tokens to the text that may be shown: whole characters, nothing of a stop string. */
export class TextStream {
  readonly #detokenizer: Detokenizer;
  readonly #stops: StopStrings;
  readonly #splitter: ReasoningSplitter | undefined;
  #ready: Section[][] = []; // what each token added since the last `take`

  constructor(
    tokenizer: Tokenizer,
    prompt: readonly TokenId[],
    stops: readonly string[],
    reasoning?: ReasoningMarks,
  ) {
    this.#detokenizer = new Detokenizer(tokenizer, prompt, reasoning !== undefined);
    this.#stops = new StopStrings(stops);
    this.#splitter = reasoning && new ReasoningSplitter(reasoning);
  }

  /** @returns whether a stop string is now complete */
  add(token: TokenId): boolean {
    const { shown, stopped } = this.#stops.push(this.#detokenizer.push(token));
    this.#ready.push(this.#split(shown));
    return stopped;
  }

  /** The text of the tokens added since, of which the first `drafted` were drafted. */
  take(drafted: number): TextPiece[] {
    const pieces = this.#ready.flatMap((sections, i) =>
      sections.map((section) => ({ ...section, drafted: i < drafted })),
    );
    this.#ready = [];
    return pieces;
  }

  /** What was held back, when no token can follow; after a stop string, what stood before it. */
  end(isStopped = false): TextPiece[] {
    const rest = isStopped ? '' : this.#rest();
    const sections = [...this.#split(rest), ...(this.#splitter?.flush() ?? [])];
    return sections.map((section) => ({ ...section, drafted: false }));
  }

  #rest(): string {
    const { shown, stopped } = this.#stops.push(this.#detokenizer.flush());
    return stopped ? shown : shown + this.#stops.flush();
  }

  #split(text: string): Section[] {
    if (this.#splitter) return this.#splitter.push(text);
    return text === '' ? [] : [{ text, isReasoning: false }];
  }
}
