import { tokenBefore } from '../math/sort-endings.js';
import type { TokenId } from '../types.js';

/** Tokens of an ending that are compared at most. */
export const LONGEST_ENDING = 16;

/** Lengths of endings, from the longest that occurs down, whose continuations count. */
const LENGTHS = 4;

/** Continuations of one ending that are looked at. Of more, as many are taken at equal distances. */
const SAMPLE = 64;

/** Tokens that came behind an ending of a text, and how likely each is. */
export interface Continuations {
  /** The most likely first; among equals the lowest id. Empty where the corpus has no such ending. */
  readonly tokens: Int32Array;
  /** Natural logs of their probabilities, which sum to 1 with that of all tokens that were never seen there. */
  readonly logProbs: Float64Array;
  /** Tokens of the ending that the corpus has, [0..LONGEST_ENDING]. */
  readonly length: number;
}

const NOTHING: Continuations = { tokens: new Int32Array(), logProbs: new Float64Array(), length: 0 };

/** Positions whose tokens before them are alike: a part of the sorted order. */
interface Range {
  readonly lo: number;
  readonly hi: number;
}

/** Where the last 1, 2, … tokens of a text occur, as long as they do: [0..LONGEST_ENDING] of them. */
export type Places = readonly Range[];

/**
 * Texts, sorted so that the places where an ending occurs stand together: those of a longer ending are a part of those of a
 * shorter one. The continuations of an ending are counted there.
 */
export class Corpus {
  readonly tokens: ArrayLike<number>;
  /** All positions, sorted by the tokens before them. */
  readonly order: Uint32Array;

  constructor(tokens: ArrayLike<number>, order: Uint32Array) {
    this.tokens = tokens;
    this.order = order;
  }

  /**
   * Searches for the end of a text.
   * @param back the token so many places before its end, from 1; undefined: the text begins there
   */
  search(back: (places: number) => TokenId | undefined): Places {
    const ranges: Range[] = [];
    let range: Range = { lo: 0, hi: this.order.length };
    for (let places = 1; places <= LONGEST_ENDING; places++) {
      const token = back(places);
      if (token === undefined) break;
      const lo = this.#firstFrom(token, places, range);
      const hi = this.#firstFrom(token + 1, places, { lo, hi: range.hi });
      if (lo === hi) break;
      range = { lo, hi };
      ranges.push(range);
    }
    return ranges;
  }

  /**
   * Returns what followed the longest ending of a text that occurs here. Counts of that ending are mixed with those of
   * shorter ones (Witten and Bell 1991): with c places and d different tokens, a shorter ending has the share d / (c + d).
   * Each place counts once, with the longest ending that it has.
   * @param shortest tokens that an ending must have in common, >= 1
   */
  following(places: Places, shortest: number): Continuations {
    if (places.length < shortest) return NOTHING;
    let mixed: ReadonlyMap<TokenId, number> = new Map();
    const ranges = places.slice(-LENGTHS);
    for (const [i, range] of ranges.entries()) mixed = this.#mixed(range, mixed, ranges[i + 1]);
    const likeliest = [...mixed].sort(([a, p], [b, q]) => q - p || a - b);
    return {
      tokens: Int32Array.from(likeliest, ([token]) => token),
      logProbs: Float64Array.from(likeliest, ([, p]) => Math.log(p)),
      length: places.length,
    };
  }

  /** The first place of a range whose token so many places before is this one or a later one. */
  #firstFrom(token: TokenId, places: number, range: Range): number {
    let { lo, hi } = range;
    while (lo < hi) {
      const middle = (lo + hi) >>> 1;
      if (tokenBefore(this.tokens, this.order[middle]!, places) < token) lo = middle + 1;
      else hi = middle;
    }
    return lo;
  }

  /** @param longer the places of the next longer ending, which are left out */
  #mixed(
    { lo, hi }: Range,
    shorter: ReadonlyMap<TokenId, number>,
    longer: Range = { lo: hi, hi },
  ): ReadonlyMap<TokenId, number> {
    const leftOut = longer.hi - longer.lo;
    const places = hi - lo - leftOut;
    const counts = new Map<TokenId, number>();
    const step = Math.max(1, places / SAMPLE);
    let all = 0;
    for (let n = 0; n < places; n += step) {
      const place = lo + Math.floor(n);
      const token = this.tokens[this.order[place < longer.lo ? place : place + leftOut]!]!;
      counts.set(token, (counts.get(token) ?? 0) + 1);
      all += 1;
    }
    if (all === 0) return shorter;
    const different = counts.size;
    const mixed = new Map<TokenId, number>();
    for (const [token, p] of shorter) mixed.set(token, (different * p) / (all + different));
    for (const [token, count] of counts)
      mixed.set(token, (mixed.get(token) ?? 0) + count / (all + different));
    return mixed;
  }
}
