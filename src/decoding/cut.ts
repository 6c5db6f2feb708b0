import type { TokenId } from '../types.js';

/** Returns whether the text ends with this token, and why. It is called once for each token, in the order of the text. */
export type EndCheck = (token: TokenId) => 'eos' | 'stop' | undefined;

/** Returns the tokens up to the first token that ends the text, which is included. */
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
