import { Command } from 'commander';
import snakecaseKeys from 'snakecase-keys';
import { knownPairs } from '../../models/known-pairs.js';
import { modelsFolder } from '../../models/models-folder.js';
import { USUAL_CONTEXT } from '../../models/usual-context.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { modelsDirOption } from '../model-options.js';
import { whole } from '../option-kinds.js';
import { answerErrors, colorOption } from '../program-options.js';
import type { ColorChoice } from '../render/colors.js';
import { jsonLine } from '../render/json.js';
import { Sink } from '../render/sink.js';

/** What Commander makes of the options. Undefined = not given. */
interface PairsFlags {
  modelsDir?: string;
  ctxSize: number;
  json?: boolean;
  color: ColorChoice;
}

const EXAMPLES = `
Examples:
  mtad pairs                        what there is, and what fits this machine
  mtad pairs -c 32768               memory with a longer context
  mtad pairs --json | jq '.pairs[] | select(.fits).name'`;

export function createPairs(io: Io): Command {
  const program = new Command('mtad pairs')
    .usage('[options]')
    .description(
      'List pairs of models that are known by a name: what they weigh, what memory they take, which are downloaded;\n' +
        'and the models here that need no draft model, since they draft for themselves.',
    )
    .argument('[words...]')
    .action(async (words: string[], flags: PairsFlags, command: Command) => {
      if (words.length > 0) command.error(`error: pairs takes no words such as ${JSON.stringify(words[0])}`);
      io.exitCode = await runPairs(io, flags);
    });
  answerErrors(program, io, '(mtad pairs --help lists the options)');
  program
    .addOption(
      whole('-c, --ctx-size <n>', 'tokens of context that the memory is reckoned for', 2).default(
        USUAL_CONTEXT,
      ),
    )
    .addOption(modelsDirOption(io))
    .option('--json', 'one object, for machines')
    .addOption(colorOption())
    .option('-v, --verbose', 'errors in full');
  program.addHelpText('after', EXAMPLES);
  return program;
}

/** `mtad pairs`: the pairs that have a name. @returns the exit code */
async function runPairs(io: Io, { modelsDir, ctxSize, json, color }: PairsFlags): Promise<number> {
  const { overviewOf } = await import('../../models/pair-overview.js');
  const { downloaded, pairsTable } = await import('../render/pairs-table.js');
  const { modelsThatDraft } = await import('../../models/stored-models.js');
  const rows = await overviewOf(await knownPairs(), { modelsDir, contextSize: ctxSize });
  const alone = await modelsThatDraft(modelsFolder(modelsDir, io.env));
  const colors = io.colors(color, io.stdout);
  const pairs = rows.map(({ pair, ...row }) => ({
    ...pair,
    ...row,
    fits: row.fits ?? null,
    downloaded: downloaded({ pair, ...row }),
    targetFile: row.targetFile ?? null,
    draftFile: row.draftFile ?? null,
  }));
  const text = json
    ? jsonLine(snakecaseKeys({ schema: 1, contextSize: ctxSize, pairs, needNoDraft: alone }, { deep: true }))
    : pairsTable(rows, alone, { contextSize: ctxSize, colors, width: io.stdout.columns });
  const sink = new Sink(io.stdout);
  await sink.write(text);
  sink.check();
  return EXIT.ok;
}
