import { Command } from 'commander';
import snakecaseKeys from 'snakecase-keys';
import { modelsFolder } from '../../models/models-folder.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { modelsDirOption } from '../model-options.js';
import { answerErrors, colorOption } from '../program-options.js';
import type { ColorChoice } from '../render/colors.js';
import { jsonLine } from '../render/json.js';
import { Sink } from '../render/sink.js';

/** What Commander makes of the options. Undefined = not given. */
interface ListFlags {
  modelsDir?: string;
  json?: boolean;
  color: ColorChoice;
}

const EXAMPLES = `
Examples:
  mtad list
  mtad list --json | jq -r '.models[] | select(.pairs == []).name'
  mtad -m llama-8b-q4.gguf "The sea"        a name in the list is enough`;

export function createList(io: Io): Command {
  const program = new Command('mtad list')
    .usage('[options]')
    .description('List the models in the models folder: size, format, architecture, pairs, when last used.')
    .argument('[words...]')
    .action(async (words: string[], flags: ListFlags, command: Command) => {
      if (words.length > 0) command.error(`error: list takes no words such as ${JSON.stringify(words[0])}`);
      io.exitCode = await runList(io, flags);
    });
  answerErrors(program, io, '(mtad list --help lists the options)');
  program
    .addOption(modelsDirOption(io))
    .option('--json', 'one object, for machines')
    .addOption(colorOption())
    .option('-v, --verbose', 'errors in full');
  program.addHelpText('after', EXAMPLES);
  return program;
}

/** `mtad list`: what is there. @returns the exit code */
async function runList(io: Io, { modelsDir, json, color }: ListFlags): Promise<number> {
  const { listedModels } = await import('../../models/stored-models.js');
  const { modelsTable } = await import('../render/models-table.js');
  const folder = modelsFolder(modelsDir, io.env);
  const models = await listedModels(folder);
  const rows = models.map(({ architecture = null, quantization = null, problem = null, ...model }) => ({
    ...model,
    architecture,
    quantization,
    problem,
  }));
  const sink = new Sink(io.stdout);
  await sink.write(
    json
      ? jsonLine(snakecaseKeys({ schema: 1, folder, models: rows }, { deep: true }))
      : modelsTable(models, folder, io.colors(color, io.stdout), io.stdout.columns),
  );
  sink.check();
  return EXIT.ok;
}
