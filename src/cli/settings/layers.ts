import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../errors.js';
import type { SettableName } from '../programs/index.js';
import { checkNames } from './check-names.js';
import { readSettingsFile } from './file.js';
import { isSwitch, settingName, settingsOf, variableName } from './names.js';
import { withPair } from './pair.js';
import { type Given, parseGiven, withHome } from './values.js';

/** Settings from one place. */
export interface Layer {
  readonly given: ReadonlyMap<string, Given>; // by the name in a settings file
  readonly source: (name: string) => string; // for `mtad config`
  readonly where: (name: string) => string; // for messages
}

const HELP = `
What is not given comes from the environment (MTAD_DRAFT_LENGTH for --draft-length), else from the settings file
(draft-length = 6), else from what suits the --pair; what one of them turns on, --no-<name> turns off.
mtad config shows every value and where it is from.`;

/** Lets a program take settings from elsewhere: flags > environment > settings file > tuned profile > defaults. */
export function takeSettings(command: SettableName, program: Command): void {
  addSettingsOptions(program);
  program.hook('preAction', () => applySettings(command, program));
}

/** What a program needs so that a flag can overrule every setting. */
export function addSettingsOptions(program: Command): void {
  for (const [name, option] of settingsOf(program)) {
    const isAlone = program.options.filter((other) => settingName(other) === name).length === 1;
    if (isSwitch(option) && isAlone)
      program.addOption(new Option(option.negate ? `--${name}` : `--no-${name}`).hideHelp());
  }
  program.addOption(new Option('--no-config', 'do not read the settings file').helpGroup('Settings:'));
  program.addHelpText('after', HELP);
}

/**
 * Fills in what no flag said, after the parsing. Commander keeps the source of each value.
 * @throws UsageError for a value that its option refuses, unless a stronger source overrules it
 */
export async function applySettings(command: SettableName, program: Command): Promise<void> {
  const layers = [
    flagLayer(program),
    environmentLayer(program),
    ...(program.opts().config === false ? [] : await fileLayers(command, program)),
  ];
  for (const layer of await withPair(layers)) apply(program, layer);
}

/** Gives every option that has no value yet the one of this layer. */
function apply(program: Command, { given, source, where }: Layer): void {
  const options = settingsOf(program);
  for (const [name, value] of given) {
    const option = options.get(name);
    const key = option?.attributeName();
    if (!option || !key || !isOpen(program, key)) continue;
    try {
      program.setOptionValueWithSource(key, parseGiven(option, value), source(name));
    } catch (cause) {
      if (!(cause instanceof InvalidArgumentError || cause instanceof UsageError)) throw cause;
      throw new UsageError(`${where(name)} = ${JSON.stringify(value)} is invalid. ${cause.message}`, {
        cause,
      });
    }
  }
}

function isOpen(program: Command, key: string): boolean {
  return ['default', undefined].includes(program.getOptionValueSource(key));
}

/** What is typed. Commander has judged it already. */
function flagLayer(program: Command): Layer {
  const names = [...settingsOf(program)].filter(
    ([, option]) => program.getOptionValueSource(option.attributeName()) === 'cli',
  );
  const given = names.map(
    ([name, option]) => [name, program.getOptionValue(option.attributeName())] as const,
  );
  return { given: new Map(given), source: () => 'cli', where: (name) => `--${name}` };
}

/** A variable that is empty says nothing. */
function environmentLayer(program: Command): Layer {
  const given = [...settingsOf(program).keys()].flatMap((name) => {
    const value = process.env[variableName(name)];
    return value ? [[name, value] as const] : [];
  });
  return { given: new Map(given), source: variableName, where: variableName };
}

/** The table of the command, then what stands above all tables. */
async function fileLayers(command: SettableName, program: Command): Promise<Layer[]> {
  const file = await readSettingsFile();
  if (!file) return [];
  await checkNames(file, command, program);
  const options = settingsOf(program);
  const layer = (values: ReadonlyMap<string, Given>, table?: string): Layer => ({
    given: new Map(
      [...values].map(([name, value]) => {
        const option = options.get(name);
        return [name, option ? withHome(option, value) : value];
      }),
    ),
    source: () => file.path,
    where: (name) => file.where(name, table),
  });
  return [layer(file.tables.get(command) ?? new Map(), command), layer(file.top)];
}
