import type { GenerationResult } from '../generation/events.js';

/** Where a text has to end, whether or not it is complete. */
export interface Limits {
  readonly maxTokens: number;
  /** Tokens. */
  readonly contextSize: number;
}

/** What to say of a text that reached a limit; undefined = it ended otherwise. */
export function cutNotice(
  { finishReason }: GenerationResult,
  { maxTokens, contextSize }: Limits,
): string | undefined {
  if (finishReason === 'length') return `the text was cut at --max-tokens ${maxTokens}; raise it for more`;
  if (finishReason === 'context')
    return `the text was cut: the context of ${contextSize} tokens is full; raise --ctx-size`;
  return undefined;
}
