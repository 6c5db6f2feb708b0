import type { GrammarState, Tokenizer } from '../engine/engine.js';
import type { TokenId } from '../types.js';

/** What a grammar must wait for. */
export interface Waiting {
  readonly answer: GrammarState;
  readonly mark: string; // the reasoning's last words
  readonly isEnd: (token: TokenId) => boolean;
  readonly tokenizer: Tokenizer;
}

/** Within the reasoning that a chat template has opened: anything but an end. The grammar is for the answer behind it. */
export class ReasoningFirst implements GrammarState {
  readonly isComplete = false;
  readonly #waiting: Waiting;
  readonly #tail: string;

  constructor(waiting: Waiting, tail = '') {
    this.#waiting = waiting;
    this.#tail = tail;
  }

  allows(token: TokenId): boolean {
    return !this.#waiting.isEnd(token);
  }

  after(token: TokenId): GrammarState {
    const { answer, mark, tokenizer } = this.#waiting;
    const text = this.#tail + tokenizer.decode([token], [], true);
    return text.includes(mark) ? answer : new ReasoningFirst(this.#waiting, text.slice(-mark.length));
  }
}
