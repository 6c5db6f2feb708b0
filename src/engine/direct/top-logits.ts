import type { Mask, TopLogits } from '../../types.js';
import { largestAllowed } from '../llama/largest-allowed.js';
import type { ReadRequest } from '../passes.js';
import { BLOCK, scanOf } from './scan.js';

/**
 * Reads a row of logits as llama.cpp computed it, one for each token of the vocabulary.
 * @param isThere whether the row still holds what was computed, and not the next pass
 * @throws Error where what is read holds a NaN, or no finite number to go by
 */
export function topLogits(
  row: Float32Array,
  { top, vocabularySize, logSumExp }: ReadRequest,
  mask?: Mask,
  isThere: () => boolean = () => true,
): TopLogits {
  const read = row.subarray(0, vocabularySize);
  const first = (count: number) =>
    count === 0 || count >= read.length ? allTokens(read) : largest(read, count);
  const tokens = mask ? largestAllowed(first, read.length, top, mask) : first(top);
  const logits = Float64Array.from(tokens, (token) => row[token]!);
  const likeliest = mask && tokens.length === 0 ? row[first(1)[0]!] : logits[0];
  if (!Number.isFinite(likeliest)) throw new Error(NO_NUMBERS);
  return new Row(tokens, logits, logSumExp ? row : undefined, isThere);
}

const NO_NUMBERS = 'The model computed logits that are no numbers; its file may be damaged';

/** Sums only when asked: of a draft that was refused nobody asks. */
class Row implements TopLogits {
  readonly tokens: Int32Array;
  readonly logits: Float64Array;
  readonly #whole: Float32Array | undefined;
  readonly #isThere: () => boolean;
  #sum: number | undefined;

  constructor(
    tokens: Int32Array,
    logits: Float64Array,
    whole: Float32Array | undefined,
    isThere: () => boolean,
  ) {
    this.tokens = tokens;
    this.logits = logits;
    this.#whole = whole;
    this.#isThere = isThere;
  }

  get logSumExp(): number | undefined {
    if (!this.#whole) return undefined;
    if (this.#sum === undefined) {
      if (!this.#isThere()) throw new Error('The logits to be summed were overwritten by another pass');
      this.#sum = logSumExpOf(this.#whole);
    }
    return this.#sum;
  }
}

/** Tokens up to which it is faster to put each in its place than to sort the whole vocabulary. */
const FEW = 2000;

/**
 * The `count` tokens of the largest logits, largest first, equal ones by lower id. Hardly any logit is among them, so
 * a fast scan looks for the blocks that have one: half the time of looking at eight together in JavaScript. It finds a NaN
 * too. -Infinity is never listed.
 */
function largest(row: Float32Array, count: number): Int32Array {
  if (count > FEW)
    return allTokens(row)
      .slice(0, count)
      .filter((token) => row[token]! > -Infinity);
  const tokens = new Int32Array(count);
  const logits = new Float32Array(count).fill(-Infinity);
  let found = 0;
  const { next } = scanOf(row);
  const end = row.length - (row.length % BLOCK);
  for (let from = next(0, end, -Infinity); from < row.length; ) {
    const until = Math.min(from + BLOCK, row.length);
    for (let token = from; token < until; token++) {
      const logit = row[token]!;
      if (logit <= logits[count - 1]!) continue; // a NaN is not
      if (Number.isNaN(logit)) throw new Error(NO_NUMBERS);
      let place = found < count ? found++ : count - 1;
      if (count > SHORT) {
        const last = place;
        place = placeOf(logit, logits, last);
        logits.copyWithin(place + 1, place, last);
        tokens.copyWithin(place + 1, place, last);
      } else
        for (; place > 0 && logits[place - 1]! < logit; place--) {
          logits[place] = logits[place - 1]!;
          tokens[place] = tokens[place - 1]!;
        }
      logits[place] = logit;
      tokens[place] = token;
    }
    from = until < end ? next(until, end, logits[count - 1]!) : until;
  }
  return tokens.subarray(0, found);
}

/** Tokens up to which moving them one by one is faster than looking for the place and moving all behind it at once. */
const SHORT = 64;

/** @returns where a logit belongs among the first `count`, largest first: behind equal ones */
function placeOf(logit: number, logits: Float32Array, count: number): number {
  let [from, to] = [0, count];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (logits[middle]! < logit) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** Tokens in 21 bits: more than any vocabulary has. */
const TOKEN_RANGE = 2 ** 21;

/** All tokens in the same order, through one sort of plain numbers: the logit's rank in the upper bits, the id below. */
function allTokens(row: Float32Array): Int32Array {
  if (row.includes(Number.NaN)) throw new Error(NO_NUMBERS);
  const bits = new Int32Array(row.map((logit) => logit + 0).buffer); // -0 is 0
  const keys = Float64Array.from(bits, (value, token) => {
    const rank = value < 0 ? value ^ 0x7fffffff : value; // as whole numbers, floats are in order but for the sign
    return -rank * TOKEN_RANGE + token;
  }).sort();
  return Int32Array.from(keys, (key) => ((key % TOKEN_RANGE) + TOKEN_RANGE) % TOKEN_RANGE);
}

function logSumExpOf(row: Float32Array): number {
  const { next, expSum } = scanOf(row);
  const end = row.length - (row.length % BLOCK);
  const rest = row.subarray(end);
  let max = Math.max(-Infinity, ...rest);
  for (let block = next(0, end, max); block < end; block = next(block + BLOCK, end, max))
    max = Math.max(max, ...row.subarray(block, block + BLOCK));
  let sum = expSum(end, max);
  for (const logit of rest) sum += Math.exp(logit - max);
  const total = max + Math.log(sum);
  if (!Number.isFinite(total)) throw new Error(NO_NUMBERS);
  return total;
}
