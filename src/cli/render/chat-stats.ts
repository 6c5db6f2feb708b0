import { ratios } from '../../generation/counters.js';
import type { GenerationResult } from '../../generation/events.js';
import type { Run } from './json.js';

/** Returns the line after an answer: how much of the conversation was read anew, and how fast the answer came. */
export function answerStats(
  { settings, promptTokens }: Pick<Run, 'settings' | 'promptTokens'>,
  { evaluated, counters, finishReason, quality }: GenerationResult,
): string {
  const { tokensPerSecond, acceptanceRate } = ratios(counters);
  const isTemplates = finishReason === 'stop' && settings.stop.length === 0; // the end text of the template
  const end = isTemplates ? undefined : ENDS[finishReason];
  return [
    `read ${evaluated.target} new of ${promptTokens} tokens${evaluated.draft > 0 ? ` (draft model ${evaluated.draft})` : ''}`,
    `wrote ${counters.emitted}${tokensPerSecond === null ? '' : ` at ${tokensPerSecond.toFixed(1)} tokens/s`}`,
    ...(acceptanceRate === null ? [] : [`${Math.round(100 * acceptanceRate)} % of the drafted accepted`]),
    ...(quality === null ? [] : [`perplexity ${quality.perplexityRatio.toFixed(2)} times that of sampling`]),
    ...(end === undefined ? [] : [end]),
  ].join(', ');
}

/** Words for the ends of an answer, besides that of the model itself. */
const ENDS: Partial<Record<GenerationResult['finishReason'], string>> = {
  stop: 'ended by --stop',
  length: 'cut off by --max-tokens',
  context: 'cut off: the context is full, /reset forgets the conversation',
  interrupted: 'interrupted',
};
