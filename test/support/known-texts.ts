import type { ModelCache } from '../../src/decoding/model-cache.js';
import type { Prefix, TokenId } from '../../src/types.js';
import type { FakeContext } from './fake-context.js';

/** What a cache believes of its sequences, the committed text being `prefix`. */
export function knownTexts(cache: ModelCache, prefix: Prefix): TokenId[][] {
  return cache.held.map(({ shared, tail }) => [...prefix.slice(0, shared), ...tail]);
}

/** What the engine really holds of that: what it holds behind it the next pass removes. */
export function heldTexts(cache: ModelCache, context: FakeContext): TokenId[][] {
  return cache.held.map(({ shared, tail }, sequence) =>
    context.texts[sequence]!.slice(0, shared + tail.length),
  );
}
