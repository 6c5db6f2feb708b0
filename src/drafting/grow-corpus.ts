import { comesBefore, sortByEnding } from '../math/sort-endings.js';
import { LONGEST_ENDING } from './corpus.js';

/** The parts of a corpus that stand in its file. */
export interface SortedTokens {
  readonly tokens: Uint16Array | Uint32Array;
  /** All positions, sorted by the tokens before them. */
  readonly order: Uint32Array;
}

/**
 * Returns a corpus with more tokens behind it, and with its oldest tokens left out where there are too many. Only the new
 * positions are sorted, and those that have lost tokens before them; the others stay in their order.
 * @param most tokens of the result
 */
export function grown({ tokens, order }: SortedTokens, more: readonly number[], most: number): SortedTokens {
  const added = more.slice(-most);
  const lost = Math.max(0, tokens.length + added.length - most);
  const left = tokens.subarray(lost);
  const all =
    tokens instanceof Uint16Array
      ? new Uint16Array(left.length + added.length)
      : new Uint32Array(left.length + added.length);
  all.set(left);
  all.set(added, left.length);
  const shortened = lost > 0 ? Math.min(LONGEST_ENDING, left.length) : 0;
  const kept = order.filter((position) => position >= lost + shortened).map((position) => position - lost);
  const fresh = Uint32Array.from([...Array(shortened).keys(), ...added.keys()], (position, i) =>
    i < shortened ? position : left.length + position,
  );
  sortByEnding(fresh, all, LONGEST_ENDING);
  return { tokens: all, order: merged(kept, fresh, all) };
}

function merged(one: Uint32Array, other: Uint32Array, tokens: ArrayLike<number>): Uint32Array {
  const order = new Uint32Array(one.length + other.length);
  let [i, j] = [0, 0];
  for (let at = 0; at < order.length; at++) {
    const takesOther =
      i === one.length || (j < other.length && comesBefore(tokens, other[j]!, one[i]!, 1, LONGEST_ENDING));
    order[at] = takesOther ? other[j++]! : one[i++]!;
  }
  return order;
}
