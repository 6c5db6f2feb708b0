import type { Tokenizer } from '../engine/port.js';
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

/** What besides plain text is looked for and shown. */
export interface Look {
  /** Where the model says what it reasons; undefined = it does not. */
  readonly reasoning?: ReasoningMarks | undefined;
  /** Whether control tokens are shown by their names. Those that mark the reasoning always are, as the same words in text are. */
  readonly special?: boolean;
}

/**
 * From tokens to the text that may be shown: whole characters, nothing of a stop string. A control token has no text, but it
 * ends the text where its name is a stop string.
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

  /** @returns whether the text ends here: a stop string is complete, or the token is one */
  add(token: TokenId): boolean {
    if (this.#tokenizer.isControl(token) && this.#stopNames.has(this.#nameOf(token))) {
      this.#ready.push(this.#split(this.#rest()));
      return true;
    }
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

  #nameOf(token: TokenId): string {
    return this.#tokenizer.decode([token], [], true);
  }

  /** What is held back, complete or not. */
  #rest(): string {
    const { shown, stopped } = this.#stops.push(this.#detokenizer.flush());
    return stopped ? shown : shown + this.#stops.flush();
  }

  #split(text: string): Section[] {
    if (this.#splitter) return this.#splitter.push(text);
    return text === '' ? [] : [{ text, isReasoning: false }];
  }
}
