import { homePath } from '../user-folders.js';
import { type GrammarFlags, grammarFiles } from './grammar-file.js';
import type { Io } from './io.js';
import { corpusFile, draftFile } from './model-options.js';

/** Flags, of all commands, whose values are files that are read. */
export interface InputFlags extends GrammarFlags {
  readonly model?: string;
  readonly draft?: string;
  readonly learn?: string;
  readonly file?: string | readonly string[];
  readonly chatTemplateFile?: string;
  /** While the command line was read. */
  readonly filesRead?: readonly string[];
  readonly prompts?: string;
  readonly compare?: string;
}

/** The files that are read, which must not be overwritten: an option with one more belongs here. */
export function inputFiles(flags: InputFlags, { env }: Pick<Io, 'env'>): string[] {
  const { model, learn, file, chatTemplateFile, filesRead = [], prompts, compare } = flags;
  const template = chatTemplateFile === undefined ? undefined : homePath(chatTemplateFile, env);
  return [
    model,
    draftFile(flags),
    corpusFile(flags),
    learn,
    ...[file ?? []].flat(),
    template,
    prompts,
    compare,
    ...filesRead,
    ...grammarFiles(flags),
  ].filter((path) => path !== undefined);
}
