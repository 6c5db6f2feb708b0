import type { Mask, TopLogits } from '../../types.js';
import { largestAllowed } from '../llama/largest-allowed.js';
import type { ReadRequest } from '../port.js';

/**
 * Reads a row of logits as llama.cpp computed it, one for each token of the vocabulary.
 * @throws Error where the row holds no numbers to go by
 */
export function topLogits(row: Float32Array, { top, logSumExp }: ReadRequest, mask?: Mask): TopLogits {
  const first = (count: number) =>
    count === 0 || count >= row.length ? allTokens(row) : largest(row, count);
  const tokens = mask ? largestAllowed(first, row.length, top, mask) : first(top);
  const logits = Float64Array.from(tokens, (token) => row[token]!);
  const max = mask && (logSumExp || tokens.length === 0) ? row[largest(row, 1)[0]!] : logits[0];
  if (!Number.isFinite(max) || logits.includes(Number.NaN))
    throw new Error('The model computed logits that are no numbers; its file may be damaged');
  return { tokens, logits, logSumExp: logSumExp ? logSumExpOf(row, max!) : undefined };
}

/** Tokens up to which it is faster to put each in its place than to sort the whole vocabulary. */
const FEW = 2000;

/**
 * The `count` tokens of the largest logits, largest first, equal ones by lower id. Hardly any logit is among them, so
 * eight are looked at before one is: half the time of looking at each.
 */
function largest(row: Float32Array, count: number): Int32Array {
  if (count > FEW)
    return allTokens(row)
      .slice(0, count)
      .filter((token) => row[token]! > -Infinity);
  const tokens = new Int32Array(count);
  const logits = new Float32Array(count).fill(-Infinity);
  let least = -Infinity; // of those listed
  let found = 0;
  const offer = (token: number) => {
    const logit = row[token]!;
    if (!(logit > least)) return;
    let place = found < count ? found++ : count - 1;
    for (; place > 0 && logits[place - 1]! < logit; place--) {
      logits[place] = logits[place - 1]!;
      tokens[place] = tokens[place - 1]!;
    }
    logits[place] = logit;
    tokens[place] = token;
    least = logits[count - 1]!;
  };
  const eights = row.length - (row.length % 8);
  for (let t = 0; t < eights; t += 8)
    if (
      row[t]! > least ||
      row[t + 1]! > least ||
      row[t + 2]! > least ||
      row[t + 3]! > least ||
      row[t + 4]! > least ||
      row[t + 5]! > least ||
      row[t + 6]! > least ||
      row[t + 7]! > least
    )
      for (let token = t; token < t + 8; token++) offer(token);
  for (let token = eights; token < row.length; token++) offer(token);
  return tokens.subarray(0, found);
}

/** Tokens in 21 bits: more than any vocabulary has. */
const TOKEN_RANGE = 2 ** 21;

/** All tokens in the same order, through one sort of plain numbers: the logit's rank in the upper bits, the id below. */
function allTokens(row: Float32Array): Int32Array {
  const bits = new Int32Array(row.map((logit) => logit + 0).buffer); // -0 is 0
  const keys = Float64Array.from(bits, (value, token) => {
    const rank = value < 0 ? value ^ 0x7fffffff : value; // as whole numbers, floats are in order but for the sign
    return -rank * TOKEN_RANGE + token;
  }).sort();
  return Int32Array.from(keys, (key) => ((key % TOKEN_RANGE) + TOKEN_RANGE) % TOKEN_RANGE);
}

function logSumExpOf(row: Float32Array, max: number): number {
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.exp(row[i]! - max);
  return max + Math.log(sum);
}
