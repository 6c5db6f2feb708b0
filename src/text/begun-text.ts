import type { GrammarState } from '../engine/port.js';
import type { TokenId } from '../types.js';
import { BROKEN } from './detokenizer.js';
import type { TextPiece, TextStream } from './text-stream.js';
import { textOf } from './text-stream.js';

/** The part of a text that was written before. */
export interface BegunText {
  readonly tokens: readonly TokenId[];
  readonly text: string;
  /** What of it came before the answer; null or undefined: nothing. */
  readonly reasoning?: string | null | undefined;
}

/** Returns a text without all that is broken at its end. For a text whose tokens nobody knows. */
export function withoutCutCharacter(text: string): string {
  let end = text.length;
  while (text[end - 1] === BROKEN) end -= 1;
  return text.slice(0, end);
}

/**
 * Returns the part of a text that stays as it is where its tokens go on: all but a broken character at its end, which may become
 * a whole one. Broken characters before that one are certain.
 */
export function certainPart(text: string): string {
  return text.endsWith(BROKEN) ? text.slice(0, -1) : text;
}

/**
 * Goes on with a text that was cut off: its tokens pass through the stream once more, so that a character, a stop string or
 * the reasoning may go on behind the cut. What was shown before the cut is not shown again.
 */
export class GoingOn {
  readonly #stream: Pick<TextStream, 'take' | 'end'>;
  #known: number; // characters to come that were shown at the cut, where nothing more was to follow

  constructor(stream: TextStream, { tokens, text }: BegunText) {
    this.#stream = stream;
    for (const token of tokens) stream.add(token);
    const again = textOf(stream.take(0));
    this.#known = certainPart(text).length - again.length;
  }

  take(drafted: number): TextPiece[] {
    return this.#withoutKnown(this.#stream.take(drafted));
  }

  end(isStopped?: boolean): TextPiece[] {
    return this.#withoutKnown(this.#stream.end(isStopped));
  }

  #withoutKnown(pieces: readonly TextPiece[]): TextPiece[] {
    return pieces
      .map((piece) => {
        const known = Math.max(0, Math.min(this.#known, piece.text.length));
        this.#known -= known;
        return { ...piece, text: piece.text.slice(known) };
      })
      .filter(({ text }) => text !== '');
  }
}

/** Returns the state of a grammar behind tokens; undefined: it does not allow them one after the other. */
export function stateBehind(start: GrammarState, tokens: readonly TokenId[]): GrammarState | undefined {
  let state = start;
  for (const token of tokens) {
    if (!state.allows(token)) return undefined;
    state = state.after(token);
  }
  return state;
}
