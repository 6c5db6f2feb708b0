/** Positions up to which insertion is faster than parting. */
const FEW = 12;

/**
 * Sorts positions of a text by the tokens before them: the last token first, then the one before it, and so on, up to
 * `depth` tokens. The beginning of the text comes before any token. Equal positions stand in any order, which depends on
 * nothing but the text.
 *
 * Multikey quicksort (Bentley and Sedgewick 1997): each token is compared as often as it takes to tell positions apart.
 */
export function sortByEnding(order: Uint32Array, tokens: ArrayLike<number>, depth: number): void {
  sortRange(order, tokens, 0, order.length, 1, depth);
}

/** The token `back` places before a position; -1: the text begins before. */
export function tokenBefore(tokens: ArrayLike<number>, position: number, back: number): number {
  return back <= position ? tokens[position - back]! : -1;
}

/** @param back the token that positions of this range are told apart by: they share those behind it */
function sortRange(
  order: Uint32Array,
  tokens: ArrayLike<number>,
  start: number,
  end: number,
  back: number,
  depth: number,
): void {
  let [lo, hi, at] = [start, end, back];
  while (at <= depth && hi - lo > 1) {
    if (hi - lo <= FEW) {
      insertionSort(order, tokens, lo, hi, at, depth);
      return;
    }
    const key = (i: number) => tokenBefore(tokens, order[i]!, at);
    const pivot = median(key(lo), key((lo + hi) >>> 1), key(hi - 1));
    let [less, i, more] = [lo, lo, hi];
    while (i < more) {
      const one = key(i);
      if (one < pivot) swap(order, less++, i++);
      else if (one > pivot) {
        more -= 1;
        swap(order, i, more);
      } else i++;
    }
    sortRange(order, tokens, lo, less, at, depth);
    sortRange(order, tokens, more, hi, at, depth);
    [lo, hi, at] = [less, more, at + 1];
  }
}

function insertionSort(
  order: Uint32Array,
  tokens: ArrayLike<number>,
  lo: number,
  hi: number,
  back: number,
  depth: number,
): void {
  for (let i = lo + 1; i < hi; i++) {
    const moved = order[i]!;
    let j = i;
    while (j > lo && comesBefore(tokens, moved, order[j - 1]!, back, depth)) {
      order[j] = order[j - 1]!;
      j -= 1;
    }
    order[j] = moved;
  }
}

/** Whether position a stands before position b. @param back from which their tokens differ at the earliest */
export function comesBefore(
  tokens: ArrayLike<number>,
  a: number,
  b: number,
  back: number,
  depth: number,
): boolean {
  for (let at = back; at <= depth; at++) {
    const [one, other] = [tokenBefore(tokens, a, at), tokenBefore(tokens, b, at)];
    if (one !== other) return one < other;
  }
  return false;
}

function median(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

function swap(order: Uint32Array, i: number, j: number): void {
  const moved = order[i]!;
  order[i] = order[j]!;
  order[j] = moved;
}
