import type { Pair } from '../models/pair.js';
import type { TokenId } from '../types.js';

/** Tokens never to be emitted: padding that only one model knows and, on request, all that end a text. */
export function bannedTokens(
  { target, targetHeader, unshared }: Pair,
  ignoreEos: boolean,
): ReadonlySet<TokenId> {
  if (!ignoreEos) return unshared;
  const ends = [...targetHeader.vocabulary.tokens.keys()].filter((token) =>
    target.tokenizer.isEndOfGeneration(token),
  );
  return new Set([...unshared, ...ends]);
}
