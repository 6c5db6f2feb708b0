import { certain } from '../math/distribution.js';
import type { Draft, Prefix, TokenId } from '../types.js';
import type { Drafter, DraftOptions } from './drafter.js';

/** Tokens that an earlier passage must share with the end of the text, at most. */
const LONGEST_MATCH = 3;

/**
 * Prompt lookup (Saxena 2023): guesses that the text goes on as it did the last time it came to these words.
 * No model is asked; the guess is certain of itself, q = 1.
 */
export function lookupDrafter({ gamma, isEnd }: DraftOptions): Drafter {
  let index = new PassageIndex([]);
  return async (prefix, room) => {
    if (!index.canFollow(prefix)) index = new PassageIndex(prefix);
    const start = index.afterLastOccurrence();
    const following = prefix.slice(start, start + Math.min(gamma, room));
    const end = following.findIndex(isEnd);
    return chainOf(end === -1 ? following : following.slice(0, end + 1));
  };
}

/** Passages that end with the tokens on the way from the root to here, the last token first. */
interface Passages {
  /** Position behind the last of them. */
  end: number;
  readonly longer: Map<TokenId, Passages>;
}

/** Where a growing text last came to which words. Each token is put in its place once, so a step costs what it adds. */
class PassageIndex {
  readonly #text: Prefix; // appended to by its owner
  readonly #root: Passages = { end: 0, longer: new Map() };
  #indexed = 0; // positions that passages may end before

  constructor(text: Prefix) {
    this.#text = text;
  }

  /** Whether this is the same text, or what became of it. */
  canFollow(text: Prefix): boolean {
    return text === this.#text && text.length >= this.#indexed;
  }

  /** The position behind the last earlier occurrence of the longest possible end of the text; its length if there is none. */
  afterLastOccurrence(): number {
    const { length } = this.#text;
    while (this.#indexed < length) this.#add(this.#indexed++);
    let found = length;
    let passages: Passages | undefined = this.#root;
    for (let n = 1; n <= LONGEST_MATCH && n <= length; n++) {
      passages = passages.longer.get(this.#text[length - n]!);
      if (!passages) break;
      found = passages.end;
    }
    return found;
  }

  /** The passages that end before this position. */
  #add(position: number): void {
    let passages = this.#root;
    for (let n = 1; n <= LONGEST_MATCH && n <= position; n++) {
      const token = this.#text[position - n]!;
      const longer = passages.longer.get(token) ?? { end: position, longer: new Map() };
      longer.end = position;
      passages.longer.set(token, longer);
      passages = longer;
    }
  }
}

function chainOf(tokens: readonly TokenId[]): Draft {
  return tokens.map((token, i) => ({ token, parent: i - 1, q: certain(token) }));
}
