import type { Tokenizer } from '../engine/port.js';
import type { ReasoningMarks } from '../templates/reasoning-marks.js';
import type { TokenId } from '../types.js';
import { Detokenizer } from './detokenizer.js';
import { ReasoningSplitter, type Section } from './reasoning.js';
import { StopStrings } from './stop-strings.js';

/** A piece of text, with whether it was drafted, and whether it is answer or reasoning. */
export interface TextPiece extends Section {
  readonly drafted: boolean;
}

/** @returns the text of all pieces in order */
export function textOf(pieces: readonly Section[]): string {
  return pieces.map(({ text }) => text).join('');
}

/** The stop strings, reasoning marks and control tokens to look for. */
export interface Look {
  /** The marks around the reasoning; undefined: the model does not reason. */
  readonly reasoning?: ReasoningMarks | undefined;
  /** Whether control tokens are shown by their names. Marks of the reasoning are always shown. */
  readonly special?: boolean;
}

/**
 * Turns tokens into the text that may be shown: whole characters, and no part of a stop string. A control token has no text,
 * but it ends the text if its name is a stop string.
 */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #detokenizer: Detokenizer;
  readonly #stopNames: ReadonlySet<string>;
  readonly #stops: StopStrings;
  readonly #splitter: ReasoningSplitter | undefined;
  #ready: Section[][] = []; // what each token added since the last `take`

  constructor(
    tokenizer: Tokenizer,
    prompt: readonly TokenId[],
    stops: readonly string[],
    { reasoning, special = false }: Look = {},
  ) {
    const isShown = (token: TokenId) =>
      tokenizer.isControl(token) && (special || !!this.#splitter?.mayMark(this.#nameOf(token)));
    this.#tokenizer = tokenizer;
    this.#detokenizer = new Detokenizer(tokenizer, prompt, isShown);
    this.#stopNames = new Set(stops);
    this.#stops = new StopStrings(stops);
    this.#splitter = reasoning && new ReasoningSplitter(reasoning);
  }

  /** @returns whether the text ends here: a stop string is complete, or the token's name is one */
  add(token: TokenId): boolean {
    if (this.#tokenizer.isControl(token) && this.#stopNames.has(this.#nameOf(token))) {
      this.#ready.push(this.#split(this.#rest()));
      return true;
    }
    const { shown, stopped } = this.#stops.push(this.#detokenizer.push(token));
    this.#ready.push(this.#split(shown));
    return stopped;
  }

  /** @returns the text of the tokens added since the last call, of which the first `drafted` were drafted */
  take(drafted: number): TextPiece[] {
    const pieces = this.#ready.flatMap((sections, i) =>
      sections.map((section) => ({ ...section, drafted: i < drafted })),
    );
    this.#ready = [];
    return pieces;
  }

  /** @returns the text that was held back, at the end of the text; after a stop string, the text before it */
  end(isStopped = false): TextPiece[] {
    const rest = isStopped ? '' : this.#rest();
    const sections = [...this.#split(rest), ...(this.#splitter?.flush() ?? [])];
    return sections.map((section) => ({ ...section, drafted: false }));
  }

  #nameOf(token: TokenId): string {
    return this.#tokenizer.decode([token], [], true);
  }

  /** @returns the text that is held back, complete or not */
  #rest(): string {
    const { shown, stopped } = this.#stops.push(this.#detokenizer.flush());
    return stopped ? shown : shown + this.#stops.flush();
  }

  #split(text: string): Section[] {
    if (this.#splitter) return this.#splitter.push(text);
    return text === '' ? [] : [{ text, isReasoning: false }];
  }
}
