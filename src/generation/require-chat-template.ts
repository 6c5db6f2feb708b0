import { basename } from 'node:path';
import type { ChatTemplate } from '../engine/port.js';
import { UsageError } from '../errors.js';
import type { ModelHeader } from '../models/header.js';
import type { Pair } from '../models/pair.js';
import type { TemplateChoice } from '../templates/open-template.js';

/** @throws UsageError where the target has no template and none is chosen, or where the template cannot be rendered */
export async function requireChatTemplate(
  { target, targetHeader }: Pick<Pair, 'target' | 'targetHeader'>,
  choice: TemplateChoice,
): Promise<ChatTemplate> {
  refuseWithoutChatTemplate(targetHeader, choice);
  return (await target.chatTemplate!(choice))!;
}

/** Checks the file before the model is loaded. @throws UsageError for a model without a template */
export function refuseWithoutChatTemplate(
  { path, template: { own } }: ModelHeader,
  { chatTemplate }: TemplateChoice,
): void {
  if (own === undefined && chatTemplate === undefined)
    throw new UsageError(
      `${basename(path)} has no chat template: it writes on from a text, and answers no messages; use an instruction-tuned model, such as \`pair\` llama-3.1-8b, or name its template (\`chatTemplate\` chatml)`,
    );
}
