import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../errors.js';
import type { SettableName } from '../programs/index.js';
import { checkNames } from './check-names.js';
import { readSettingsFile } from './file.js';
import { isSwitch, settingName, settingsOf, variableName } from './names.js';
import { withOwnDrafts, withPair } from './pair.js';
import { type Given, parseGiven, withHome } from './values.js';

declare module 'commander' {
  interface Option {
    readonly conflictsWith: readonly string[]; // attribute names; public, but missing in Commander's own types
  }
}

/** Settings from one place. */
export interface Layer {
  readonly given: ReadonlyMap<string, Given>; // by the name in a settings file
  readonly source: (name: string) => string; // for `mtad config`
  readonly where: (name: string) => string; // for messages
}

const HELP = `
What is not given comes from the environment (MTAD_DRAFT_LENGTH for --draft-length), else from the settings file
(draft-length = 6), else from what suits the --pair; --no-<name> undoes for one run what they say.
mtad config shows every value and where it is from.`;

/** Lets a program take settings from elsewhere: flags > environment > settings file > what suits the pair > defaults. */
export function takeSettings(command: SettableName, program: Command): void {
  addSettingsOptions(program);
  program.hook('preAction', () => applySettings(command, program));
}

/** What a program needs so that a flag can overrule every setting. */
export function addSettingsOptions(program: Command): void {
  for (const [name, option] of settingsOf(program)) {
    const isAlone = program.options.filter((other) => settingName(other) === name).length === 1;
    if (isAlone) program.addOption(new Option(option.negate ? `--${name}` : `--no-${name}`).hideHelp());
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
  const settled = usesModels(program) ? await withPair(withOwnDrafts(layers)) : layers;
  for (const layer of settled) apply(program, layer);
  undo(program);
}

/** `--no-<name>` of an option with a value has kept the weaker layers from it; now the default holds. */
function undo(program: Command): void {
  for (const option of settingsOf(program).values()) {
    const key = option.attributeName();
    if (!isSwitch(option) && program.getOptionValue(key) === false)
      program.setOptionValueWithSource(key, option.defaultValue, 'cli');
  }
}

/** Whether the program will ask its options for models: a pair is judged only where it is used. */
function usesModels(program: Command): boolean {
  const [word] = program.registeredArguments;
  const inWords = word?.name() === 'target' && program.args.length > 0; // mtad inspect a.gguf
  return settingsOf(program).has('model') && !inWords && program.getOptionValue('replay') === undefined;
}

/**
 * Gives every option that has no value yet the one of this layer, unless it excludes a stronger one.
 * @throws UsageError also for two in this layer that exclude each other
 */
function apply(program: Command, { given, source, where }: Layer): void {
  const options = settingsOf(program);
  const stronger = program.options.filter((option) => isOn(program, option));
  for (const [name, value] of given) {
    const option = options.get(name);
    const key = option?.attributeName();
    if (!option || !key || !isOpen(program, key)) continue;
    if (stronger.some((other) => areRivals(option, other))) continue;
    try {
      program.setOptionValueWithSource(key, parseGiven(option, value), source(name));
    } catch (cause) {
      if (!(cause instanceof InvalidArgumentError || cause instanceof UsageError)) throw cause;
      throw new UsageError(`${where(name)} = ${JSON.stringify(value)} is invalid. ${cause.message}`, {
        cause,
      });
    }
    const rival = program.options.find((other) => areRivals(option, other) && isOn(program, other));
    if (rival && isOn(program, option))
      throw new UsageError(
        `${where(name)} and ${where(settingName(rival))} exclude each other: leave one out`,
      );
  }
}

/** By what Commander is told of them, which it heeds only among flags. */
function areRivals(one: Option, other: Option): boolean {
  return (
    one.conflictsWith.includes(other.attributeName()) || other.conflictsWith.includes(one.attributeName())
  );
}

/** Said, and not only to turn it off. */
function isOn(program: Command, option: Option): boolean {
  const key = option.attributeName();
  return !isOpen(program, key) && program.getOptionValue(key) !== false;
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
