import { basename } from 'node:path';
import type { Command } from 'commander';
import { refuseWithoutChatTemplate } from '../generation/require-chat-template.js';
import type { ModelHeader } from '../models/header.js';
import type { OpenTemplate, TemplateChoice } from '../templates/open-template.js';

/** Whether prompts are put into a chat template. Undefined = not given. */
export interface PlaceFlags {
  raw?: boolean;
  chat?: boolean;
  system?: string;
  /** Where the system text is from, unless a flag gave it. */
  systemFrom?: string | undefined;
}

/** Returns what has set the system text for all models, a variable or a file; undefined: nothing, or a flag gave it. */
export function systemSource(command: Command): string | undefined {
  const source = command.getOptionValueSource('system');
  return source === 'cli' ? undefined : source;
}

/**
 * The template that prompts are put into, tried before the model is loaded; undefined = none.
 * @throws UsageError for one that cannot be rendered, and for flags that need one; a system text that is set for all models
 *   is passed over instead
 */
export async function promptTemplate(
  { raw, chat, system, systemFrom }: PlaceFlags,
  choice: TemplateChoice,
  target: ModelHeader,
  say: (line: string) => void,
): Promise<OpenTemplate | undefined> {
  if (raw) return undefined;
  const { openTemplate } = await import('../templates/open-template.js');
  const template = await openTemplate(target.template, choice);
  if (template || (!chat && system === undefined)) return template;
  if (chat || systemFrom === undefined) refuseWithoutChatTemplate(target, choice);
  say(`the system text of ${systemFrom} is not used: ${basename(target.path)} has no chat template`);
  return undefined;
}
