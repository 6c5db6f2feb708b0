import { basename } from 'node:path';
import type { ChatTemplate } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import type { ModelHeader } from '../models/header.js';
import type { Pair } from '../models/pair.js';

/** @throws UsageError where the target has none */
export function requireChatTemplate({
  target,
  targetHeader,
}: Pick<Pair, 'target' | 'targetHeader'>): ChatTemplate {
  refuseWithoutChatTemplate(targetHeader);
  return target.chatTemplate!;
}

/** @throws UsageError for a model that has none, as its file tells before it is loaded */
export function refuseWithoutChatTemplate({ path, hasChatTemplate }: ModelHeader): void {
  if (!hasChatTemplate)
    throw new UsageError(
      `${basename(path)} has no chat template: it writes on from a text, and answers no messages; use an instruction-tuned model, such as --pair llama-3.1-8b`,
    );
}
