import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../errors.js';
import { refusalOf, strategyNamed } from '../../strategies/index.js';
import { profilesFolder } from '../../user-folders.js';
import type { Commands } from '../command.js';
import type { Io } from '../io.js';
import { draftSources } from '../model-options.js';
import { usualListOf } from '../setting-options.js';
import { checkNames } from './check-names.js';
import { readSettingsFile } from './file.js';
import { isSwitch, settingName, settingsOf, variableName } from './names.js';
import { withOwnDrafts, withoutUndone, withPair } from './pair.js';
import { type Given, holdsSecret, type Layer, parseGiven, withHome } from './values.js';

declare module 'commander' {
  interface Option {
    /** Attribute names; public, but missing in Commander's own types. */
    readonly conflictsWith: readonly string[];
  }
}

const HELP = `
What is not given comes from the environment (MTAD_DRAFT_LENGTH for --draft-length), else from the settings file
(draft-length = 6), else from the profile that mtad tune --save kept for the models, else from what suits the --pair;
--no-<name> undoes for one run what environment and file say, --no-profile the profile.
mtad config shows every value and where it is from.`;

/** Lets a program take settings from elsewhere: flags > environment > settings file > profile > what suits the pair > defaults. */
export function takeSettings(command: string, program: Command, io: Io, commands: Commands): void {
  addSettingsOptions(program);
  program.hook('preAction', () => applySettings(command, program, io, commands));
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
export async function applySettings(
  command: string,
  program: Command,
  io: Io,
  commands: Commands,
): Promise<void> {
  const undone = undo(program);
  const files = program.opts().config === false ? [] : await fileLayers(command, program, io, commands);
  const elsewhere = [environmentLayer(program, io), ...files].map((layer) => withoutUndone(layer, undone));
  const layers = [flagLayer(program), ...elsewhere];
  const isProfiled = settingsOf(program).has('profile') && !undone.includes('profile');
  const below = async (said: readonly Layer[]) => (isProfiled ? profileLayers(program, said, io) : []);
  const settled = usesModels(program) ? await withPair(withOwnDrafts(layers), below) : layers;
  for (const layer of settled) apply(program, layer);
}

/** Reads the settings that the profile of the models recommends. `profileInUse` of the program becomes the profile itself. */
async function profileLayers(program: Command, layers: readonly Layer[], io: Io): Promise<readonly Layer[]> {
  const isNamed = layers.some(({ given }) => given.has('profile'));
  if (!isNamed && !existsSync(profilesFolder(io.env))) return [];
  const { profileInUse, profileLayer } = await import('./profile.js'); // loads the rooms of models, which takes half a second
  const isOn = (name: string) => layers.some(({ given }) => given.get(name) === true);
  const found = await profileInUse(layers, io.env, (line) => {
    if (!isOn('quiet')) io.say(line);
  });
  if (!found) return [];
  program.setOptionValue('profileInUse', found);
  const layer = profileLayer(found, layers);
  const options = settingsOf(program);
  const given = [...layer.given].map(
    ([name, value]) => [name, besideUsual(options.get(name), value)] as const,
  );
  const said = given.map(([name, value]) => `${name} ${value}`);
  if (isOn('verbose')) io.say(`profile ${found.path}: ${said.length > 0 ? said.join(', ') : 'nothing'}`);
  return [{ ...layer, given: new Map(given) }];
}

/** A profile adds a value to a list that is usual, and takes none away. */
function besideUsual(option: Option | undefined, value: Given): Given {
  const usual = option ? usualListOf(option) : [];
  return usual.length === 0 ? value : [...new Set([...usual, value as string | number])];
}

/** Handles `--no-<name>` of options with a value. @returns the names, whose values from elsewhere are not to be used */
function undo(program: Command): string[] {
  const undone = [...settingsOf(program)].filter(
    ([, option]) => !isSwitch(option) && program.getOptionValue(option.attributeName()) === false,
  );
  for (const [, option] of undone)
    program.setOptionValueWithSource(option.attributeName(), option.defaultValue, 'default');
  return undone.map(([name]) => name);
}

/** Whether the program takes its models from options. A pair is checked only where it is used. */
function usesModels(program: Command): boolean {
  const [word] = program.registeredArguments;
  const inWords = word?.name() === 'target' && program.args.length > 0; // mtad inspect a.gguf
  return settingsOf(program).has('model') && !inWords && program.getOptionValue('replay') === undefined;
}

/**
 * Gives every option without a value the value of this layer, unless it excludes an option of a stronger layer.
 * @throws UsageError for a wrong value, and for two options of this layer that exclude each other
 */
function apply(program: Command, { given, source, where }: Layer): void {
  const options = settingsOf(program);
  const stronger = choicesOf(program);
  for (const [name, said] of given) {
    const option = options.get(name);
    const key = option?.attributeName();
    if (!option || !key || !isOpen(program, key)) continue;
    if (stronger.some((other) => areRivals({ option, value: said }, other))) continue;
    const value = parsed(option, said, where(name));
    program.setOptionValueWithSource(key, value, source(name));
    const rival = choicesOf(program).find((other) => areRivals({ option, value }, other));
    if (rival && value !== false)
      throw new UsageError(
        `${where(name)} and ${where(settingName(rival.option))} exclude each other: leave one out`,
      );
  }
}

/** @throws UsageError for a value that the option refuses */
function parsed(option: Option, said: Given, where: string): unknown {
  try {
    return parseGiven(option, said);
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError || cause instanceof UsageError)) throw cause;
    const shown = holdsSecret(option) ? '' : ` = ${JSON.stringify(said)}`;
    throw new UsageError(`${where}${shown} is invalid. ${cause.message}`, { cause });
  }
}

/** A setting and its value. */
interface Choice {
  readonly option: Option;
  readonly value: unknown;
}

function areRivals(one: Choice, other: Choice): boolean {
  return excludes(one, other) || excludes(other, one);
}

/**
 * Whether one choice rules out another: by the conflicts of options, which Commander checks among flags alone, and by what a
 * strategy refuses.
 */
function excludes({ option, value }: Choice, other: Choice): boolean {
  const name = other.option.attributeName();
  if (option.attributeName() !== 'strategy') return option.conflictsWith.includes(name);
  const strategy = strategyNamed(String(value));
  if (strategy === undefined) return false;
  const drafts = name === 'draft' ? draftSources({ draft: String(other.value) }) : [];
  const asked = [{ clip: name === 'clip' }, ...drafts.map((draftFrom) => ({ draftFrom }))];
  return asked.some((one) => refusalOf(strategy, one) !== undefined);
}

/** The options that have a value so far, without those that are turned off. */
function choicesOf(program: Command): Choice[] {
  return program.options
    .map((option) => ({ option, value: program.getOptionValue(option.attributeName()) }))
    .filter(({ option, value }) => !isOpen(program, option.attributeName()) && value !== false);
}

function isOpen(program: Command, key: string): boolean {
  return ['default', undefined].includes(program.getOptionValueSource(key));
}

/** The flags. Commander has checked them already. */
function flagLayer(program: Command): Layer {
  const names = [...settingsOf(program)].filter(
    ([, option]) => program.getOptionValueSource(option.attributeName()) === 'cli',
  );
  const given = names.map(
    ([name, option]) => [name, program.getOptionValue(option.attributeName())] as const,
  );
  return { given: new Map(given), source: () => 'cli', where: (name) => `--${name}` };
}

/** The environment. An empty variable counts as not set. */
function environmentLayer(program: Command, { env }: Io): Layer {
  const given = [...settingsOf(program).keys()].flatMap((name) => {
    const value = env[variableName(name)];
    return value ? [[name, value] as const] : [];
  });
  return { given: new Map(given), source: variableName, where: variableName };
}

/** The settings file: first the table of the command, then the lines above all tables. */
async function fileLayers(command: string, program: Command, io: Io, commands: Commands): Promise<Layer[]> {
  const file = await readSettingsFile(io.env);
  if (!file) return [];
  await checkNames(file, command, program, io, commands);
  const options = settingsOf(program);
  const layer = (values: ReadonlyMap<string, Given>, table?: string): Layer => ({
    given: new Map(
      [...values].map(([name, value]) => {
        const option = options.get(name);
        return [name, option ? withHome(option, value, io.env) : value];
      }),
    ),
    source: () => file.path,
    where: (name) => file.where(name, table),
  });
  return [layer(file.tables.get(command) ?? new Map(), command), layer(file.top)];
}
