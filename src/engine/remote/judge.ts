import type { TokenId, TopLogits } from '../../types.js';

/** A text, and the place from which on the likeliest next tokens are wanted. */
export interface Question {
  readonly tokens: readonly TokenId[];
  /** Of the first token behind which they are wanted. */
  readonly from: number;
}

/** A server that tells what its model gives to a text. */
export interface Judge {
  /** @returns the tokens that it reads in a text @throws Error where it answers otherwise */
  tokensOf(text: string): Promise<TokenId[]>;
  /**
   * Asks for the likeliest tokens behind the tokens of texts, in one request.
   * @param count of tokens in a row
   * @returns for each text, rows for all tokens from `from` on, with log-probabilities as logits
   * @throws Error where it answers otherwise
   */
  judge(questions: readonly Question[], count: number): Promise<TopLogits[][]>;
}

/** A token and its log-probability. */
export interface LogProbFact {
  readonly token: TokenId;
  readonly logProb: number;
}

/** @returns a row of logits, which are log-probabilities */
export function rowOf(facts: readonly LogProbFact[]): TopLogits {
  const sorted = facts.toSorted((a, b) => b.logProb - a.logProb);
  return {
    tokens: Int32Array.from(sorted, ({ token }) => token),
    logits: Float64Array.from(sorted, ({ logProb }) => logProb),
    logSumExp: 0, // log-probabilities are normalized
  };
}
