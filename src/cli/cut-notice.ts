import type { GenerationResult } from '../generation/events.js';

/** The limits of a text, which may end it before it is complete. */
export interface Limits {
  readonly maxTokens: number;
  /** Tokens. */
  readonly contextSize: number;
}

/** Returns the notice about a text that reached a limit; undefined if it did not. */
export function cutNotice(
  { finishReason }: GenerationResult,
  { maxTokens, contextSize }: Limits,
): string | undefined {
  if (finishReason === 'length') return `the text was cut at --max-tokens ${maxTokens}; raise it for more`;
  if (finishReason === 'context')
    return `the text was cut: the context of ${contextSize} tokens is full; raise --ctx-size`;
  return undefined;
}
