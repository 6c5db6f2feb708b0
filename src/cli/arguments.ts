import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { LLAMA_CPP_OPTIONS } from './llama-cpp-options.js';
import { isSwitch } from './settings/names.js';

/** The parts of a command line. */
export interface Arguments {
  /** Options by their long names, each before its value. */
  readonly options: readonly string[];
  readonly words: readonly string[];
  /** The words after `--`. */
  readonly literal: readonly string[];
  /** Files that are read for the values of options. */
  readonly filesRead: readonly string[];
}

/** Commander's own option, which no program lists. */
const HELP = new Option('-h, --help');

/**
 * Returns the parts of a command line. The program's list of options tells options from values and words. Names of llama.cpp
 * become ours. Unknown names are left to Commander, which refuses them.
 * @throws UsageError for an option of llama.cpp that mtad does not have; CommanderError for short options that are joined
 *   with anything but a number
 */
export function readArguments(program: Command, args: readonly string[]): Arguments {
  const own = new Map<string, Option>();
  for (const option of [HELP, ...program.options])
    for (const name of [option.short, option.long]) if (name) own.set(name, option);
  const options: string[] = [];
  const words: string[] = [];
  const filesRead: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') return { options, words, literal: args.slice(i + 1), filesRead };
    if (!isOption(arg)) {
      words.push(arg);
      continue;
    }
    for (const { typed, option, value, translate, readsFile } of understand(arg, own, program)) {
      if (!option) options.push(typed);
      else if (isSwitch(option)) options.push(option.long!);
      else {
        const given = value ?? args[++i];
        if (given === undefined)
          return { options: [...options, option.long!], words: [], literal: [], filesRead };
        refuseSeed(typed, option, given);
        if (readsFile) filesRead.push(given);
        options.push(option.long!, translate ? translate(given) : given);
      }
    }
  }
  return { options, words, literal: [], filesRead };
}

/** Returns whether an argument is an option. A number below 0 is a word, as in Commander. */
function isOption(arg: string): boolean {
  return arg.length > 1 && arg.startsWith('-') && !/^-(\d+|\d*\.\d+)(e[+-]?\d+)?$/.test(arg);
}

/** An option as it was typed. */
interface Typed {
  readonly typed: string;
  /** Undefined = an unknown option. */
  readonly option?: Option | undefined;
  /** Undefined = the next argument, if the option takes a value. */
  readonly value?: string | undefined;
  readonly translate?: (value: string) => string;
  readonly readsFile?: true | undefined;
}

function understand(arg: string, own: ReadonlyMap<string, Option>, program: Command): Typed[] {
  const [, name = arg, value] = /^([^=]+)=([\s\S]*)$/.exec(arg) ?? [];
  for (const typed of [name, name.replace(/(?<=^--.*)_/g, '-')]) {
    const option = own.get(typed);
    if (option && (value === undefined || !isSwitch(option))) return [{ typed, option, value }];
    if (!option) {
      const known = ofLlamaCpp(typed, own, program);
      const takesValue = known?.some(({ option }) => option && !isSwitch(option));
      if (known && (value === undefined || takesValue)) return known.map((one) => ({ ...one, value }));
    }
  }
  return arg.startsWith('--') ? [{ typed: arg }] : takeApart(arg, own, program);
}

/** @returns undefined for a name that llama.cpp does not have either, an empty list for an option that mtad does not need */
function ofLlamaCpp(typed: string, own: ReadonlyMap<string, Option>, program: Command): Typed[] | undefined {
  const theirs = LLAMA_CPP_OPTIONS.get(typed);
  if (!theirs) return undefined;
  if ('isGiven' in theirs) return [];
  if ('instead' in theirs) throw new UsageError(`llama.cpp's ${typed} is not in mtad: ${theirs.instead}`);
  const option = own.get(theirs.ours);
  if (!option)
    throw new UsageError(
      `llama.cpp's ${typed} is ${theirs.ours} here, which ${program.name()} does not take`,
    );
  return [{ typed, option, translate: theirs.translate, readsFile: theirs.readsFile }];
}

const NUMBERS = /^-?[\d.][\d.,]*$/;

/** Reads `-n20` as `-n 20` and `-qv` as `-q -v`. It guesses no more, so that `-otext` writes to no file `text`. */
function takeApart(arg: string, own: ReadonlyMap<string, Option>, program: Command): Typed[] {
  const option = own.get(arg.slice(0, 2));
  const rest = arg.slice(2);
  if (option && takesNumbers(option) && NUMBERS.test(rest))
    return [{ typed: arg.slice(0, 2), option, value: rest }];
  const letters = [...arg.slice(1)].map((letter) => `-${letter}`);
  const switches = letters.map((typed) => ({ typed, option: own.get(typed) }));
  if (switches.every(({ option }) => option && isSwitch(option))) return switches;
  const long = `-${arg.split('=')[0]}`;
  const theirs = LLAMA_CPP_OPTIONS.get(long);
  const meant = own.has(long) ? long : theirs && 'ours' in theirs ? theirs.ours : undefined;
  if (option) refuseSeed(option.short!, option, rest);
  const hint = meant ?? withValue(arg, own);
  return program.error(
    `error: unknown option '${arg}'${hint === undefined ? '' : `; did you mean ${hint}?`}`,
  );
}

/** Returns the option with the longest name that begins the argument, and the rest as its value; undefined if there is none. */
function withValue(arg: string, own: ReadonlyMap<string, Option>): string | undefined {
  for (let length = arg.length - 1; length > 1; length--) {
    const name = arg.slice(0, length);
    const theirs = LLAMA_CPP_OPTIONS.get(name);
    const option = own.get(name) ?? (theirs && 'ours' in theirs ? own.get(theirs.ours) : undefined);
    if (option) return canTake(option, arg.slice(length)) ? `${option.long} ${arg.slice(length)}` : undefined;
  }
  return undefined;
}

function canTake(option: Option, value: string): boolean {
  if (isSwitch(option) || /\s/.test(value)) return false;
  return takesNumbers(option) ? NUMBERS.test(value) : (option.argChoices?.includes(value) ?? true);
}

function takesNumbers({ flags }: Option): boolean {
  return /<(n|list)>/.test(flags);
}

/** -s is llama.cpp's --seed. */
function refuseSeed(typed: string, option: Option, value: string): void {
  if (typed === '-s' && option.long === '--system' && /^-?\d+$/.test(value))
    throw new UsageError(
      `-s is --system here: for a seed, use --seed ${value}; for this system text, --system ${value}`,
    );
}
