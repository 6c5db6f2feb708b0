import type { TokenId } from '../types.js';

/**
 * @returns the tokens that must never be emitted; on request, all tokens that end a text among them
 * @param isEnd whether a token ends a text
 */
export function bannedTokens(
  vocabularySize: number,
  ignoreEos: boolean,
  isEnd: (token: TokenId) => boolean,
): ReadonlySet<TokenId> {
  if (!ignoreEos) return new Set();
  return new Set(Array.from({ length: vocabularySize }, (_, token) => token).filter(isEnd));
}
