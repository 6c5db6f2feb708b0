import type { GrammarState, Tokenizer } from '../engine/port.js';
import type { TokenId } from '../types.js';

/** What a grammar must wait for. */
export interface Waiting {
  readonly answer: GrammarState;
  /** The reasoning's last words. */
  readonly mark: string;
  readonly isEnd: (token: TokenId) => boolean;
  readonly tokenizer: Pick<Tokenizer, 'decode'>;
}

/**
 * Within the reasoning that a chat template has opened: anything but an end, or a token in which both the mark ends and
 * the answer begins. The grammar is for the answer behind it.
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

  /** @returns what the token would put behind the mark; undefined = the reasoning goes on */
  #behindMark(token: TokenId): string | undefined {
    return this.#textTo(token).split(this.#waiting.mark)[1];
  }

  #textTo(token: TokenId): string {
    return this.#tail + this.#waiting.tokenizer.decode([token], [], true);
  }
}
