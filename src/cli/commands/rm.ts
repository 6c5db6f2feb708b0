import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { UsageError } from '../../errors.js';
import { bytesText } from '../../models/bytes-text.js';
import { modelsFolder } from '../../models/models-folder.js';
import type { StoredModel } from '../../models/stored-models.js';
import { EXIT } from '../failures.js';
import { harmless } from '../harmless.js';
import type { Io } from '../io.js';
import { modelsDirOption } from '../model-options.js';
import { answerErrors } from '../program-options.js';

/** What Commander makes of the options. Undefined = not given. */
interface RemoveFlags {
  modelsDir?: string;
  yes?: boolean;
  quiet?: boolean;
}

const EXAMPLES = `
Examples:
  mtad rm llama-8b-q4.gguf
  mtad rm hf:bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M --yes`;

export function createRemove(io: Io): Command {
  const program = new Command('mtad rm')
    .usage('[options] <model...>')
    .description(
      'Remove models from the models folder, all parts of each. Files elsewhere are never touched.',
    )
    .argument('[models...]', 'names as mtad list shows them, or addresses')
    .action(async (models: string[], flags: RemoveFlags) => {
      if (models.length === 0) throw new UsageError('What to remove? Give the name of a model (mtad list)');
      io.exitCode = await runRemove(io, models, flags);
    });
  answerErrors(program, io, '(mtad rm --help lists the options)');
  return program
    .addOption(modelsDirOption(io))
    .option('-y, --yes', 'do not ask')
    .option('-q, --quiet', 'do not say what was removed')
    .option('-v, --verbose', 'errors in full')
    .addHelpText('after', EXAMPLES);
}

/** `mtad rm`: models out of the folder. Nothing is removed before all are found. @returns the exit code */
async function runRemove(io: Io, names: readonly string[], flags: RemoveFlags): Promise<number> {
  const { storedModelNamed } = await import('../../models/stored-models.js');
  const { removeModel } = await import('../../models/remove-model.js');
  const folder = modelsFolder(flags.modelsDir, io.env);
  const models = new Map<string, StoredModel>();
  for (const name of names) {
    const model = await storedModelNamed(name, folder);
    models.set(model.name, model);
  }
  const refusal = flags.yes ? undefined : await refusalOf(io, [...models.values()], folder);
  if (refusal !== undefined) return refusal;
  for (const model of models.values()) {
    await removeModel(model, folder);
    if (!flags.quiet) io.say(`removed ${model.name}, ${bytesText(model.bytes)}`);
  }
  return EXIT.ok;
}

/**
 * Asks whether the models are to be removed.
 * @returns the exit code where they are not
 * @throws UsageError where there is nobody to ask
 */
async function refusalOf(
  io: Io,
  models: readonly StoredModel[],
  folder: string,
): Promise<number | undefined> {
  if (!io.isTyped) throw new UsageError('Nobody can be asked whether that is meant: add --yes');
  for (const { name, bytes } of models) io.stderr.write(`  ${harmless(name)}, ${bytesText(bytes)}\n`);
  const asking = createInterface({ input: io.stdin, output: io.stderr });
  let refusal: number = EXIT.failure;
  asking.once('SIGINT', () => {
    refusal = 128 + constants.signals.SIGINT;
    asking.close();
  });
  try {
    const closed = new Promise<string>((done) => asking.once('close', () => done('')));
    const answer = await Promise.race([asking.question(`Remove from ${folder}? [y/N] `), closed]);
    return /^y(es)?$/i.test(answer.trim()) ? undefined : refusal;
  } finally {
    asking.close();
  }
}
