import { type GrammarFlags, grammarFiles } from './grammar-file.js';
import { homePath } from './home-path.js';
import { draftFile } from './options.js';

/** Flags, of all commands, whose values are files that are read. */
export interface InputFlags extends GrammarFlags {
  readonly model?: string;
  readonly draft?: string;
  readonly file?: string;
  readonly chatTemplateFile?: string;
  readonly filesRead?: readonly string[]; // while the command line was read
  readonly prompts?: string;
  readonly compare?: string;
}

/** The files that are read, which must not be overwritten: an option with one more belongs here. */
export function inputFiles(flags: InputFlags): string[] {
  const { model, file, chatTemplateFile, filesRead = [], prompts, compare } = flags;
  const template = chatTemplateFile === undefined ? undefined : homePath(chatTemplateFile);
  return [
    model,
    draftFile(flags),
    file,
    template,
    prompts,
    compare,
    ...filesRead,
    ...grammarFiles(flags),
  ].filter((path) => path !== undefined);
}
