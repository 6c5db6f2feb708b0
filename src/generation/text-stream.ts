import type { Tokenizer } from '../engine/engine.js';
import type { TokenId } from '../types.js';
import { Detokenizer } from './detokenizer.js';
import { StopStrings } from './stop-strings.js';

/** A stretch of text, and whether it was drafted. */
export interface TextPiece {
  readonly text: string;
  readonly drafted: boolean;
}

/** The text of pieces, one after another. */
export function textOf(pieces: readonly TextPiece[]): string {
  return pieces.map(({ text }) => text).join('');
}

/** From tokens to the text that may be shown: whole characters, nothing of a stop string. */
export class TextStream {
  readonly #detokenizer: Detokenizer;
  readonly #stops: StopStrings;
  #ready: string[] = []; // what each token added since the last `take`

  constructor(tokenizer: Tokenizer, prompt: readonly TokenId[], stops: readonly string[]) {
    this.#detokenizer = new Detokenizer(tokenizer, prompt);
    this.#stops = new StopStrings(stops);
  }

  /** @returns whether a stop string is now complete */
  add(token: TokenId): boolean {
    const { shown, stopped } = this.#stops.push(this.#detokenizer.push(token));
    this.#ready.push(shown);
    return stopped;
  }

  /** The text of the tokens added since, of which the first `drafted` were drafted. */
  take(drafted: number): TextPiece[] {
    const pieces = this.#ready.map((text, i) => ({ text, drafted: i < drafted }));
    this.#ready = [];
    return pieces.filter(({ text }) => text !== '');
  }

  /** What was held back, when no token can follow. Not to be called after a stop. */
  end(): TextPiece[] {
    const { shown, stopped } = this.#stops.push(this.#detokenizer.flush());
    const text = stopped ? shown : shown + this.#stops.flush();
    return text === '' ? [] : [{ text, drafted: false }];
  }
}
