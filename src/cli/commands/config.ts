import { existsSync } from 'node:fs';
import { Argument, Command } from 'commander';
import { UsageError } from '../../errors.js';
import { type Commands, createCommand, settableNames } from '../command.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { answerErrors } from '../program-options.js';
import type { Setting } from '../render/config.js';
import { Sink } from '../render/sink.js';
import { complaintAbout } from '../settings/check-names.js';
import { settingsPath } from '../settings/file.js';
import { addSettingsOptions, applySettings } from '../settings/layers.js';
import { isOfOneRun, settingsOf, variableName } from '../settings/names.js';
import { settleNumbers } from '../settle-numbers.js';

/** What is told about only as far as that it is there. */
const SECRETS = ['HF_TOKEN'];

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
export async function createConfig(io: Io, [word]: readonly string[], commands: Commands): Promise<Command> {
  const settable = settableNames(commands);
  const shown = settable.find((name) => name === word) ?? 'generate';
  const program = new Command('mtad config')
    .usage('[command] [options of the command]')
    .description('Show each setting of a command, and whether a flag, the environment or a file gave it.')
    .addArgument(new Argument('[command]', 'whose settings (default: generate)').choices(settable))
    .action(async (named: string | undefined) => {
      if (named !== undefined && named !== word)
        throw new UsageError(`The command stands first: mtad config ${named} [options]`);
      io.exitCode = await runConfig(shown, program, io, commands);
    });
  answerErrors(program, io, '(mtad config --help lists the options)');
  program.optionsGroup('What to show:');
  program
    .option('--json', 'one JSON object')
    .option('--path', 'only where the settings file is, or would be');
  const { options } = await createCommand(shown, io, commands);
  for (const option of options.filter((one) => !one.hidden && !isOfOneRun(one))) program.addOption(option);
  addSettingsOptions(program);
  program.addHelpText('after', EXAMPLES);
  return program;
}

/** `mtad config`: what holds, and who said so. @returns the exit code */
async function runConfig(command: string, program: Command, io: Io, commands: Commands): Promise<number> {
  const { path: pathOnly, json, color, config } = program.opts();
  const stdout = new Sink(io.stdout);
  const path = config === false ? undefined : settingsPath(io.env);
  const file = { path: path ?? null, exists: path !== undefined && existsSync(path) };
  if (pathOnly) {
    if (path !== undefined) await stdout.write(`${path}\n`);
    stdout.check();
    if (!file.exists) io.say(path ? 'there is no such file yet' : 'no settings file is read');
    return EXIT.ok;
  }
  await applySettings(command, program, io, commands);
  settleNumbers(program, io);
  const secrets = SECRETS.map((name) => ({ name, isSet: Boolean(io.env[name]) }));
  const shown = { command, file, settings: shownSettings(program), secrets };
  const { configJson, configTable } = await import('../render/config.js');
  await stdout.write(json ? configJson(shown) : configTable(shown, io.colors(color, io.stdout)));
  stdout.check();
  await warnOfVariables(io, commands);
  return EXIT.ok;
}

function shownSettings(program: Command): Setting[] {
  return [...settingsOf(program)].map(([name, option]) => {
    const key = option.attributeName();
    const source = program.getOptionValueSource(key) ?? 'default';
    return { name, value: program.getOptionValue(key), source: source === 'cli' ? 'flag' : source, option };
  });
}

/** A variable that is no setting would have no effect, in silence. */
async function warnOfVariables(io: Io, commands: Commands): Promise<void> {
  const programs = await Promise.all(
    settableNames(commands).map((name) => createCommand(name, io, commands)),
  );
  const ours = Object.keys(io.env).filter((name) => /^MTAD_(?!CONFIG$)/.test(name));
  for (const variable of ours) {
    const name = variable.slice('MTAD_'.length).toLowerCase().replaceAll('_', '-');
    const complaint = complaintAbout(name, programs, { spelt: variableName });
    if (complaint !== undefined) io.say(`warning: ${variable} ${complaint}`);
  }
}
