import type { TokenId } from '../types.js';

/**
 * Tokens never to be emitted: on request, all that end a text.
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
