import { InvalidArgumentError, type Option } from 'commander';
import { homePath } from '../../user-folders.js';
import type { Io } from '../io.js';
import { isSwitch } from './names.js';

/** A value as a file or the environment gives it. */
export type Given = string | number | boolean | readonly (string | number)[];

/** Settings from one place. */
export interface Layer {
  /** By the name in a settings file. */
  readonly given: ReadonlyMap<string, Given>;
  /** For `mtad config`. */
  readonly source: (name: string) => string;
  /** For messages. */
  readonly where: (name: string) => string;
}

const SWITCH: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/**
 * Parses a value by the rules of the command line.
 * @throws InvalidArgumentError or UsageError that says what the value must be
 */
export function parseGiven(option: Option, given: Given): unknown {
  if (isSwitch(option)) {
    const value = SWITCH.get(String(given));
    if (value === undefined) throw new InvalidArgumentError('It must be true or false.');
    return value;
  }
  if (typeof given === 'boolean' && !isOnOrOff(option))
    throw new InvalidArgumentError('It must be a value, not true or false.');
  if (typeof given !== 'object') return parseText(option, String(given), previousOf(option));
  if (option.flags.includes('<list>')) return parseText(option, given.join(','), undefined);
  if (!isRepeatable(option))
    throw new InvalidArgumentError('It must be one value; lists stand under [benchmark].');
  return given.reduce((all: unknown, one) => parseText(option, String(one), all), []);
}

/** Whether the values of an option are on, off and others. */
function isOnOrOff({ flags }: Option): boolean {
  return flags.includes('<when>');
}

/** Whether the value of an option is a file or a folder. */
export function namesFile({ flags }: Option): boolean {
  return /<(file|folder|model|path|trace)/.test(flags);
}

/** Whether the value of an option is the address of a server. */
export function namesAddress({ flags }: Option): boolean {
  return flags.includes('<url>');
}

/** Whether the value of an option is secret. */
export function holdsSecret({ flags }: Option): boolean {
  return flags.includes('<key>');
}

/** Replaces the `~` of a path by the home folder, as a shell does on the command line. */
export function withHome(option: Option, given: Given, env: Io['env']): Given {
  return namesFile(option) && typeof given === 'string' ? homePath(given, env) : given;
}

function parseText({ parseArg }: Option, text: string, previous: unknown): unknown {
  return parseArg ? parseArg(text, previous) : text;
}

/** A repeatable option begins with an empty list in each layer. */
function previousOf(option: Option): unknown {
  return isRepeatable(option) ? [] : undefined;
}

/** Whether each use of an option adds to a list. Options with `<list>` take one list with commas instead. */
function isRepeatable({ flags, defaultValue }: Option): boolean {
  return Array.isArray(defaultValue) && !flags.includes('<list>');
}
