import { Argument, Command } from 'commander';
import { UsageError } from '../../errors.js';
import { answerErrors } from '../options.js';
import { addSettingsOptions } from '../settings/layers.js';
import { isOfOneRun } from '../settings/names.js';
import { PROGRAMS, SETTABLE, type SettableName } from './index.js';

const EXAMPLES = `
Examples:
  mtad config                                       the settings of mtad generate
  mtad config benchmark --json                      those of another command
  mtad config --pair llama-3.1-8b --threads 4       what these flags would change
  "$EDITOR" "$(mtad config --path)"

A settings file is TOML, with the long names of options:
  # ~/.config/mtad/config.toml; MTAD_CONFIG names another file, MTAD_CONFIG= none
  pair = "llama-3.1-8b"
  threads = 4
  stop = ["THE END"]
  [benchmark]
  draft-length = [2, 4]`;

/** The command line of `mtad config`: that of the command it is about, with another end. */
export async function createConfigProgram([word]: readonly string[]): Promise<Command> {
  const shown = SETTABLE.find((name) => name === word) ?? 'generate';
  const program = new Command('mtad config')
    .usage('[command] [options of the command]')
    .description('Show each setting of a command, and whether a flag, the environment or a file gave it.')
    .addArgument(new Argument('[command]', 'whose settings (default: generate)').choices(SETTABLE))
    .action(async (named: SettableName | undefined) => {
      if (named !== undefined && named !== word)
        throw new UsageError(`The command stands first: mtad config ${named} [options]`);
      const { runConfig } = await import('../commands/config.js');
      process.exitCode = await runConfig(shown, program);
    });
  answerErrors(program, '(mtad config --help lists the options)');
  program.optionsGroup('What to show:');
  program
    .option('--json', 'one JSON object')
    .option('--path', 'only where the settings file is, or would be');
  const { options } = await PROGRAMS[shown]();
  for (const option of options.filter((one) => !one.hidden && !isOfOneRun(one))) program.addOption(option);
  addSettingsOptions(program);
  program.addHelpText('after', EXAMPLES);
  return program;
}
