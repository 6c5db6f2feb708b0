import type { GenerationResult } from '../../generation/session.js';
import { ratios } from '../../metrics/ratios.js';

/** A line after each answer: what of the conversation had to be read, and how fast the answer came. */
export function answerStats(
  { evaluated, counters, finishReason }: GenerationResult,
  promptTokens: number,
): string {
  const { tokensPerSecond, acceptanceRate } = ratios(counters);
  return [
    `read ${evaluated.target} new of ${promptTokens} tokens${evaluated.draft > 0 ? ` (draft model ${evaluated.draft})` : ''}`,
    `wrote ${counters.emitted}${tokensPerSecond === null ? '' : ` at ${tokensPerSecond.toFixed(1)} tokens/s`}`,
    ...(acceptanceRate === null ? [] : [`${Math.round(100 * acceptanceRate)} % of the drafted accepted`]),
    ...(finishReason === 'eos' ? [] : [ENDS[finishReason]]),
  ].join(', ');
}

const ENDS: Record<Exclude<GenerationResult['finishReason'], 'eos'>, string> = {
  stop: 'ended by --stop',
  length: 'cut off by --max-tokens',
  context: 'cut off: the context is full, /reset forgets the conversation',
  interrupted: 'interrupted',
};
