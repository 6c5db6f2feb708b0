import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import type { TemplateChoice, Think } from '../templates/open-template.js';
import { homePath } from '../user-folders.js';
import type { Io } from './io.js';
import { choice } from './option-kinds.js';
import { settingOption } from './setting-options.js';
import { readSmallFile } from './small-file.js';
import { utf8Decoder } from './utf8-decoder.js';

/** Which template messages are put into. Undefined = not given. */
export interface TemplateFlags {
  readonly chatTemplate?: string;
  readonly chatTemplateFile?: string;
  readonly think?: Think;
}

/** The settings among these flags. */
export const TEMPLATE_SETTINGS = ['chatTemplate', 'think'] as const;
export type TemplateSetting = (typeof TEMPLATE_SETTINGS)[number];

export function addTemplateOptions(program: Command): void {
  program
    .addOption(choice(settingOption('think')))
    .addOption(settingOption('chatTemplate').conflicts('chatTemplateFile'))
    .option('--chat-template-file <file>', 'the same, from a file in Jinja');
}

/** @throws UsageError for a file that cannot be read */
export function templateChoiceOf(
  { chatTemplate, chatTemplateFile, think }: TemplateFlags,
  { env }: Io,
): TemplateChoice {
  if (chatTemplateFile === undefined) return { chatTemplate, think };
  let bytes: Buffer;
  try {
    bytes = readSmallFile(homePath(chatTemplateFile, env));
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`Cannot read the chat template: ${(cause as Error).message}`, { cause });
  }
  return { chatTemplate: utf8Decoder(chatTemplateFile)(bytes), think };
}
