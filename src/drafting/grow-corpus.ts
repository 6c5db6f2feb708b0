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
export function grown(
  { tokens, order }: SortedTokens,
  more: readonly number[] | SortedTokens['tokens'],
  most: number,
): SortedTokens {
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
  const fresh = Uint32Array.from([...Array(shortened).keys(), ...added.keys()], (position, i) =>
    i < shortened ? position : left.length + position,
  );
  sortByEnding(fresh, all, LONGEST_ENDING);
  const kept = lost > 0 ? positionsFrom(lost + shortened, order, lost) : order;
  const isBefore = (a: number, b: number) => comesBefore(all, a, b, 1, LONGEST_ENDING);
  return { tokens: all, order: merged(kept, fresh, isBefore) };
}

/** Returns the positions from `first` on, `lost` places earlier, in their order. */
function positionsFrom(first: number, order: Uint32Array, lost: number): Uint32Array {
  const kept = new Uint32Array(order.length);
  let length = 0;
  for (const position of order) if (position >= first) kept[length++] = position - lost;
  return kept.subarray(0, length);
}

/**
 * Merges a few sorted positions into many: the place of each is found by halving, and the many between two places are copied
 * at once. Of equal positions, those of the many come first.
 */
export function merged(
  many: Uint32Array,
  few: Uint32Array,
  isBefore: (a: number, b: number) => boolean,
): Uint32Array {
  const order = new Uint32Array(many.length + few.length);
  let copied = 0;
  for (const [i, position] of few.entries()) {
    let [lo, hi] = [copied, many.length];
    while (lo < hi) {
      const middle = (lo + hi) >>> 1;
      if (isBefore(position, many[middle]!)) hi = middle;
      else lo = middle + 1;
    }
    order.set(many.subarray(copied, lo), copied + i);
    order[lo + i] = position;
    copied = lo;
  }
  order.set(many.subarray(copied), copied + few.length);
  return order;
}
