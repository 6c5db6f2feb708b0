import { certainPart } from '../text/begun-text.js';
import type { GenerationEvent } from './events.js';

type TextEvent = Extract<GenerationEvent, { readonly type: 'text' }>;

/** Holds back a text that ends with a broken character until it shows whether the character becomes a whole one. */
export class OpenEnd {
  #held: TextEvent | undefined;

  /** @returns the event, or nothing yet, behind what was held back */
  *pass(event: GenerationEvent): Generator<GenerationEvent, void> {
    yield* this.asItIs();
    const last = event.type === 'text' ? (event.pieces.at(-1)?.text ?? '') : '';
    if (event.type === 'text' && certainPart(last) !== last) this.#held = event;
    else yield event;
  }

  /** @returns what was held back, where nothing follows that makes the character whole */
  *asItIs(): Generator<TextEvent, void> {
    if (this.#held) yield this.#held;
    this.#held = undefined;
  }

  /** @returns what was held back without the character, which is written anew */
  *withoutCharacter(): Generator<TextEvent, void> {
    const pieces = this.#held?.pieces ?? [];
    this.#held = undefined;
    const certain = pieces
      .map((piece, i) => (i === pieces.length - 1 ? { ...piece, text: certainPart(piece.text) } : piece))
      .filter(({ text }) => text !== '');
    if (certain.length > 0) yield { type: 'text', pieces: certain };
  }
}
