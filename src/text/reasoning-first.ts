import type { GrammarState, Tokenizer } from '../engine/port.js';
import type { TokenId } from '../types.js';

/** The reasoning that a grammar must wait for. */
export interface Waiting {
  readonly answer: GrammarState;
  /** The mark behind the reasoning. */
  readonly mark: string;
  readonly isEnd: (token: TokenId) => boolean;
  readonly tokenizer: Pick<Tokenizer, 'decode'>;
}

/**
 * The state of a grammar within reasoning that a chat template has opened. It allows every token except end tokens, and
 * tokens in which the mark ends and the answer begins. Behind the mark the grammar itself applies.
 */
export class ReasoningFirst implements GrammarState {
  readonly isComplete = false;
  readonly #waiting: Waiting;
  readonly #tail: string;

  constructor(waiting: Waiting, tail = '') {
    this.#waiting = waiting;
    this.#tail = tail;
  }

  allows(token: TokenId): boolean {
    return !this.#waiting.isEnd(token) && !this.#behindMark(token)?.trim();
  }

  after(token: TokenId): GrammarState {
    if (this.#behindMark(token) !== undefined) return this.#waiting.answer;
    return new ReasoningFirst(this.#waiting, this.#textTo(token).slice(-this.#waiting.mark.length));
  }

  /** @returns the text that the token would write behind the mark; undefined: the reasoning goes on */
  #behindMark(token: TokenId): string | undefined {
    return this.#textTo(token).split(this.#waiting.mark)[1];
  }

  #textTo(token: TokenId): string {
    return this.#tail + this.#waiting.tokenizer.decode([token], [], true);
  }
}
