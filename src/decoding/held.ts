import type { Prefix, TokenId } from '../types.js';

/**
 * What a cache knows of a sequence: it holds the first `shared` tokens of the committed text, and `tail` behind them.
 * A tail is drafted text, at most a draft long. There is none where the sequence lacks a part of the committed text.
 */
export interface Held {
  /** Tokens, [0..length of the text] */
  readonly shared: number;
  readonly tail: readonly TokenId[];
}

export const EMPTY: Held = { shared: 0, tail: [] };

/** The same sequence cut to its first `length` tokens. */
export function firstOf({ shared, tail }: Held, length: number): Held {
  return { shared: Math.min(shared, length), tail: tail.slice(0, Math.max(0, length - shared)) };
}

/** The same sequence with one more token, which stands at the end of what it holds. */
export function withToken(held: Held, token: TokenId, textLength: number): Held {
  const { shared, tail } = held;
  return shared < textLength ? { shared: shared + 1, tail } : { shared, tail: [...tail, token] };
}

/** The same sequence when the text has grown: of its tail, the tokens that were committed are part of the text now. */
export function grown({ shared, tail }: Held, text: Prefix): Held {
  let committed = 0;
  while (committed < tail.length && tail[committed] === text[shared + committed]) committed++;
  const isWhole = shared + committed === text.length;
  return { shared: shared + committed, tail: isWhole ? tail.slice(committed) : [] };
}

/** Whether the sequence holds this token at a position that is not before the last committed token. */
export function holdsAt({ shared, tail }: Held, position: number, token: TokenId): boolean {
  return position < shared || tail[position - shared] === token;
}

/** How many leading tokens two lists have in common. */
export function commonPrefix(a: readonly TokenId[], b: readonly TokenId[], limit = a.length): number {
  const end = Math.min(a.length, b.length, limit);
  let n = 0;
  while (n < end && a[n] === b[n]) n++;
  return n;
}
