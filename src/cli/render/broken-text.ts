import { addStep, NO_STEPS } from '../../generation/counters.js';
import type { GenerationEvent } from '../../generation/events.js';
import { type TextPiece, textOf } from '../../text/text-stream.js';
import type { TokenId } from '../../types.js';
import type { WrittenText } from './json.js';

/** A failure has ended a text. */
export interface BrokenEvent<Result> {
  readonly type: 'broken';
  /** What came before. */
  readonly result: Result;
  /** The reason. */
  readonly error: string;
}

/** Keeps what the events of a text tell, for the case that no end does. */
export class BrokenText {
  readonly #pieces: TextPiece[] = [];
  readonly #tokens: TokenId[] = [];
  #counters = NO_STEPS;

  learn(event: GenerationEvent): void {
    if (event.type === 'text') this.#pieces.push(...event.pieces);
    if (event.type !== 'step') return;
    this.#tokens.push(...event.step.emitted);
    this.#counters = addStep(this.#counters, event.step);
  }

  get result(): WrittenText {
    return {
      ...textIn(this.#pieces),
      tokens: this.#tokens,
      finishReason: 'error',
      grammarComplete: null,
      counters: this.#counters,
      quality: null,
      repetition: null,
      drift: null,
      cacheCheck: null,
      prefillMs: null,
      firstTokenMs: null,
    };
  }
}

/** Returns a text with its reasoning. */
export function textIn(pieces: readonly TextPiece[]): { text: string; reasoning: string | null } {
  const reasoning = textOf(pieces.filter(({ isReasoning }) => isReasoning));
  return { text: textOf(pieces), reasoning: reasoning === '' ? null : reasoning };
}
