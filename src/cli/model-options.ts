import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Settings } from '../generation/settings.js';
import { modelsFolder } from '../models/models-folder.js';
import type { Io } from './io.js';

/** Which models. Undefined = not given. */
export interface ModelFlags {
  model?: string;
  draft?: string;
  modelsDir?: string;
  offline?: boolean;
}

export function addModelOptions(program: Command, io: Io): void {
  program.optionsGroup('Models:');
  program
    .option('-m, --model <model>', 'target model: GGUF file, name in the models folder, or address')
    .addOption(
      new Option(
        '-d, --draft <model>',
        'draft model, likewise; or lookup: guess from the text so far, no model',
      ).argParser(parseDraft),
    )
    .option('--pair <name>', 'both models by a name that stands for them, with what suits them (mtad pairs)')
    .addOption(modelsDirOption(io))
    .option('--offline', 'never use the network');
}

export function modelsDirOption({ env }: Io): Option {
  return new Option(
    '--models-dir <folder>',
    'models folder: where downloads go and names are looked up',
  ).default(modelsFolder(undefined, env), "in the user's cache");
}

/** llama.cpp's --draft was once the number of tokens. */
function parseDraft(model: string): string {
  if (/^\d+(,\d+)*$/.test(model) && !existsSync(model))
    throw new InvalidArgumentError(
      `--draft names the draft model; tokens per step are --draft-length ${model}.`,
    );
  return model;
}

/** `--draft lookup` names no file; `--draft ./lookup` does. */
export function draftFile({ draft }: { readonly draft?: string | undefined }): string | undefined {
  return draft === 'lookup' ? undefined : draft;
}

export function draftSource({ draft }: { readonly draft?: unknown }): Settings['draftFrom'] {
  return draft === 'lookup' ? 'lookup' : 'model';
}
