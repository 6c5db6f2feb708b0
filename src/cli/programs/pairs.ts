import { Command } from 'commander';
import type { PairsFlags } from '../commands/pairs.js';
import { answerErrors, colorOption, modelsDirOption, whole } from '../options.js';

const CONTEXT = 8192; // tokens

const EXAMPLES = `
Examples:
  mtad pairs                        what there is, and what fits this machine
  mtad pairs -c 32768               memory with a longer context
  mtad pairs --json | jq '.pairs[] | select(.fits).name'`;

/** The command line of `mtad pairs`. Parsing loads no model and no native library. */
export function createPairsProgram(): Command {
  const program = new Command('mtad pairs')
    .usage('[options]')
    .description(
      'List pairs of models that are known by a name: what they weigh, what memory they take, which are downloaded.',
    )
    .argument('[words...]')
    .action(async (words: string[], flags: PairsFlags, command: Command) => {
      if (words.length > 0) command.error(`error: pairs takes no words such as ${JSON.stringify(words[0])}`);
      const { runPairs } = await import('../commands/pairs.js');
      process.exitCode = await runPairs(flags);
    });
  answerErrors(program, '(mtad pairs --help lists the options)');
  program
    .addOption(
      whole('-c, --ctx-size <n>', 'tokens of context that the memory is reckoned for', 2).default(CONTEXT),
    )
    .addOption(modelsDirOption())
    .option('--json', 'one object, for machines')
    .addOption(colorOption())
    .option('-v, --verbose', 'errors in full');
  program.addHelpText('after', EXAMPLES);
  return program;
}
