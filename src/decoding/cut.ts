import type { TokenId } from '../types.js';

/** Tells, for each token in the order of the text, whether the text ends with it. Called once per token. */
export type EndCheck = (token: TokenId) => 'eos' | 'stop' | undefined;

/** The tokens up to and including the first one that ends the text. */
export function cut(
  tokens: readonly TokenId[],
  endsWith: EndCheck,
): { tokens: readonly TokenId[]; finish: ReturnType<EndCheck> } {
  for (const [i, token] of tokens.entries()) {
    const finish = endsWith(token);
    if (finish) return { tokens: tokens.slice(0, i + 1), finish };
  }
  return { tokens, finish: undefined };
}
