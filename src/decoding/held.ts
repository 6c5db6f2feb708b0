import type { Pass } from '../engine/passes.js';
import type { Prefix, TokenId } from '../types.js';

/**
 * The tokens that a sequence holds: the first `shared` tokens of the committed text, and `tail` behind them. A tail is
 * drafted text, at most as long as a draft. It is empty where the sequence lacks a part of the committed text.
 */
export interface Held {
  /** In tokens, [0..length of the text]. */
  readonly shared: number;
  readonly tail: readonly TokenId[];
}

export const EMPTY: Held = { shared: 0, tail: [] };

/** Returns the sequence cut to its first `length` tokens. */
export function firstOf({ shared, tail }: Held, length: number): Held {
  return { shared: Math.min(shared, length), tail: tail.slice(0, Math.max(0, length - shared)) };
}

/** Returns the sequence with one more token at its end. */
function withToken(held: Held, token: TokenId, textLength: number): Held {
  const { shared, tail } = held;
  return shared < textLength ? { shared: shared + 1, tail } : { shared, tail: [...tail, token] };
}

/** Returns the sequence after the text has grown: committed tokens move from its tail to the shared text. */
export function grown({ shared, tail }: Held, text: Prefix): Held {
  let committed = 0;
  while (committed < tail.length && tail[committed] === text[shared + committed]) committed++;
  const isWhole = shared + committed === text.length;
  return { shared: shared + committed, tail: isWhole ? tail.slice(committed) : [] };
}

/** Returns the sequences after a pass. */
export function heldAfter(
  before: readonly Held[],
  { keeps, batch }: Pick<Pass, 'keeps' | 'batch'>,
  textLength: number,
): Held[] {
  const held = [...before];
  for (const { sequence, from, length } of keeps) held[sequence] = firstOf(held[from]!, length);
  for (const { token, sequences } of batch)
    for (const sequence of sequences) held[sequence] = withToken(held[sequence]!, token, textLength);
  return held;
}

/**
 * Returns the sequences after a pass that failed. It is unknown how far it came; only the certain tokens stay.
 * @param lengths number of tokens of each in the engine
 */
export function certainAfter(
  before: readonly Held[],
  { keeps }: Pick<Pass, 'keeps'>,
  lengths: readonly number[],
): Held[] {
  const copied = new Set(
    keeps.filter(({ from, sequence }) => from !== sequence).map((keep) => keep.sequence),
  );
  return before.map(({ shared }, sequence) =>
    copied.has(sequence) ? EMPTY : { shared: Math.min(shared, lengths[sequence]!), tail: [] },
  );
}

/** Returns whether the sequence holds this token at this position, which is that of the last committed token or later. */
export function holdsAt({ shared, tail }: Held, position: number, token: TokenId): boolean {
  return position < shared || tail[position - shared] === token;
}

/** Returns the number of first tokens in which two lists are equal. */
export function commonPrefix(a: readonly TokenId[], b: readonly TokenId[], limit = a.length): number {
  const end = Math.min(a.length, b.length, limit);
  let n = 0;
  while (n < end && a[n] === b[n]) n++;
  return n;
}
