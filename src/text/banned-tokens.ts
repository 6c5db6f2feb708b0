import type { TokenId } from '../types.js';

/**
 * Tokens never to be emitted: padding that only one model knows and, on request, all that end a text.
 * @param isEnd whether a token ends a text, in place of `ignoreEos` and the tokenizer
 */
export function bannedTokens(
  vocabularySize: number,
  unshared: ReadonlySet<TokenId>,
  ignoreEos: boolean,
  isEnd: (token: TokenId) => boolean,
): ReadonlySet<TokenId> {
  if (!ignoreEos) return unshared;
  return new Set([...unshared, ...Array.from({ length: vocabularySize }, (_, token) => token).filter(isEnd)]);
}
