import { basename } from 'node:path';
import type { ChatTemplate } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import type { Pair } from '../models/pair.js';

/** @throws UsageError where the target has none */
export function chatTemplateOf({ target, targetHeader }: Pair): ChatTemplate {
  if (target.chatTemplate) return target.chatTemplate;
  throw new UsageError(
    `${basename(targetHeader.path)} has no chat template: it writes on from a text, and answers no messages; use an instruction-tuned model, or give the prompt as it is (--raw)`,
  );
}
