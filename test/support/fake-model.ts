import type { ReadRequest } from '../../src/engine/passes.js';
import type { GrammarState } from '../../src/engine/port.js';
import { type Truncation, truncateAfter } from '../../src/math/truncate.js';
import {
  type Distribution,
  type Mask,
  type Prefix,
  ROOT,
  type TokenId,
  type TopLogits,
} from '../../src/types.js';

/** Small enough to enumerate every text of a few tokens. */
export const VOCABULARY = 6;
export const END: TokenId = VOCABULARY - 1;
export const isEnd = (token: TokenId): boolean => token === END;

/** Nothing cut: the model's own probabilities. */
export const UNCUT: Truncation = { temperature: 1, topK: 0, topP: 1 };

/** Logits of the next token. They depend on the last two, so that a stale cache shows. */
export type FakeModel = (last: TokenId, before: TokenId) => Float64Array; // [VOCABULARY]

/** Logits in quarters, so that some are equal. No two pairs of tokens give the same. */
const targetLogit = (token: TokenId, last: TokenId, before: TokenId) =>
  Math.round(5 * Math.sin(1.6 * token + 5.2 * last) + 5 * Math.sin(2.3 * token + 0.9 * before)) / 4 -
  (isEnd(token) ? 0.75 : 0);

export const TARGET: FakeModel = (last, before) =>
  Float64Array.from({ length: VOCABULARY }, (_, token) => targetLogit(token, last, before));

/** Something like the target, which accepts about two thirds of its guesses. */
export const DRAFT: FakeModel = (last, before) =>
  Float64Array.from(
    { length: VOCABULARY },
    (_, token) =>
      0.75 * targetLogit(token, last, before) + Math.sin(4.1 * token + 9.3 * last + 23.7 * before),
  );

/** What an engine answers after this text. */
export function readLogits(model: FakeModel, text: Prefix, read: ReadRequest, mask?: Mask): TopLogits {
  const logits = model(text.at(-1)!, text.at(-2) ?? -1);
  const allowed = [...logits.keys()].filter((token) => mask?.allows(token) ?? true);
  const order = allowed.sort((a, b) => logits[b]! - logits[a]! || a - b);
  const top = read.top === 0 ? order : order.slice(0, read.top);
  return {
    tokens: Int32Array.from(top),
    logits: Float64Array.from(top, (token) => logits[token]!),
    logSumExp: read.logSumExp ? Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) : undefined,
  };
}

export function distributionAfter(
  model: FakeModel,
  text: Prefix,
  truncation: Truncation,
  mask?: Mask,
): Distribution {
  const row = readLogits(model, text, { top: 0, logSumExp: false }, mask);
  return truncateAfter([row], text, [], [ROOT], truncation)[0]!;
}

/**
 * The probability of every continuation of so many tokens, or of fewer where the end token comes first.
 * @param start where a grammar begins that the text obeys
 */
export function textsAfter(
  model: FakeModel,
  prompt: Prefix,
  length: number,
  truncation: Truncation,
  start?: GrammarState,
): Map<string, number> {
  const texts = new Map<string, number>();
  const grow = (tokens: TokenId[], logProb: number, state: GrammarState | undefined): void => {
    if (tokens.length === length || (tokens.length > 0 && isEnd(tokens.at(-1)!))) {
      texts.set(tokens.join(' '), Math.exp(logProb));
      return;
    }
    const next = distributionAfter(model, [...prompt, ...tokens], truncation, state);
    next.tokens.forEach((token, i) => {
      grow([...tokens, token], logProb + next.logProbs[i]!, state?.after(token));
    });
  };
  grow([], 0, start);
  return texts;
}
