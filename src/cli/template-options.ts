import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { KNOWN_TEMPLATES } from '../templates/known-templates.js';
import type { TemplateChoice, Think } from '../templates/open-template.js';
import type { Io } from './io.js';
import { choice } from './options.js';
import { homePath } from './user-folders.js';
import { utf8Decoder } from './utf8-decoder.js';

/** Which template messages are put into. Undefined = not given. */
export interface TemplateFlags {
  readonly chatTemplate?: string;
  readonly chatTemplateFile?: string;
  readonly think?: Think;
}

export function addTemplateOptions(program: Command): void {
  program
    .addOption(
      choice('--think <when>', 'whether a model reasons first, if its template has a switch for it', {
        auto: 'auto',
        on: 'on',
        off: 'off',
      }).default('auto'),
    )
    .addOption(
      new Option(
        '--chat-template <template>',
        `instead of the model's own: ${[...KNOWN_TEMPLATES.keys()].join(', ')}, or its text in Jinja`,
      ).conflicts('chatTemplateFile'),
    )
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
    bytes = readFileSync(homePath(chatTemplateFile, env));
  } catch (cause) {
    throw new UsageError(`Cannot read the chat template: ${(cause as Error).message}`, { cause });
  }
  return { chatTemplate: utf8Decoder(chatTemplateFile)(bytes), think };
}
