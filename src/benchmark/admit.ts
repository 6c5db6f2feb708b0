import type { ChatTemplate } from '../engine/port.js';
import { UsageError } from '../errors.js';
import { encodePrompt, promptOf } from '../generation/generate.js';
import type { Settings } from '../generation/settings.js';
import type { Pair } from '../models/pair.js';
import type { BenchmarkOptions } from './options.js';
import type { Conditions } from './report.js';
import type { TokenizedPrompt } from './run.js';

/**
 * The prompts that fit into the context.
 * @param template that they are put into, if any
 * @throws UsageError where nothing is left
 */
export async function admit(
  {
    prompts: all,
    settings: { special },
  }: Pick<BenchmarkOptions, 'prompts'> & { settings: Pick<Settings, 'special'> },
  pair: Pair,
  template: ChatTemplate | undefined,
  contextSize: number,
): Promise<{ prompts: TokenizedPrompt[]; skipped: Conditions['skipped'] }> {
  const tokenized: TokenizedPrompt[] = [];
  for (const { id, text } of all) {
    const request = promptOf(text, { inTemplate: template !== undefined });
    tokenized.push({ id, text, request, tokens: await encodePrompt(pair, request, { template, special }) });
  }
  const prompts = tokenized.filter(({ tokens }) => tokens.length < contextSize);
  const skipped = tokenized
    .filter(({ tokens }) => tokens.length >= contextSize)
    .map(({ id, tokens }) => ({
      id,
      reason: `${tokens.length} tokens, and the context holds ${contextSize}`,
    }));
  if (prompts.length === 0)
    throw new UsageError(
      `None of ${all.length} prompts fits into the context of ${contextSize} tokens: raise \`contextSize\`, or give shorter prompts`,
    );
  return { prompts, skipped };
}
