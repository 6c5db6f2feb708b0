import { InvalidArgumentError, Option } from 'commander';
import type { z } from 'zod';
import type { OptionSetting } from '../generation/setting-names.js';
import { SETTINGS, type SettingRow, UNLIMITED } from '../generation/settings.js';
import { spelled } from './settings/names.js';

/** llama.cpp's ways to leave a number open, and what stands for it; -1 is left to the program by settleNumbers. */
const LEFT_OPEN: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map([
  ['seed', new Map([['-1', -1]])],
  [
    'maxTokens',
    new Map([
      ['-1', UNLIMITED],
      ['-2', UNLIMITED],
    ]),
  ],
]);

interface Manner {
  /** The list that stands for one that is not given. */
  readonly usual?: readonly (string | number)[];
  /** Instead of the one in the table. */
  readonly help?: string;
  /** It takes several values, separated by commas; a switch stands for both. */
  readonly isList?: boolean;
}

const usualLists = new WeakMap<Option, NonNullable<Manner['usual']>>();

/** The values of a list that is not given; none where it stands at the default of its setting. */
export function usualListOf(option: Option): NonNullable<Manner['usual']> {
  return usualLists.get(option) ?? [];
}

/** The option of a setting, as the table of settings has it. */
export function settingOption(name: OptionSetting, manner?: Manner): Option {
  return optionOf(name, SETTINGS[name], manner);
}

/** The option of a row: the library's own schema judges its values, so that both say the same. */
export function optionOf(
  name: string,
  row: SettingRow,
  { help = row.help, isList, usual: usualList }: Manner = {},
): Option {
  const { schema, value, short } = row;
  const flags = `${short ? `-${short}, ` : ''}--${spelled(name)}`;
  if (value === undefined) return new Option(flags, isList ? `${help} (tried with and without)` : help);
  const usual = schema.safeParse(undefined).data;
  const parse = (text: string) => LEFT_OPEN.get(name)?.get(text) ?? parsed(schema, text);
  if (isList) {
    const list = new Option(`${flags} <list>`, `${help} (default: ${usualList ?? usual ?? 'none'})`);
    if (usualList) usualLists.set(list, usualList);
    return list.argParser((values) => values.split(',').map(parse));
  }
  const option = new Option(`${flags} <${value}>`, help);
  if (Array.isArray(usual))
    return option.default(usual, 'none').argParser((text: string, all: unknown[] | false) => [
      ...(all || []), // false: after --no-<name>
      ...(parsed(schema, [text]) as unknown[]),
    ]);
  return usual === undefined ? option.argParser(parse) : option.default(usual).argParser(parse);
}

/**
 * A value that was typed: a number where the setting takes this one, else its text.
 * @throws InvalidArgumentError saying what it must be
 */
function parsed(schema: z.ZodType, typed: string | string[]): unknown {
  const asNumber = schema.safeParse(numberIn(typed));
  const result = asNumber.success ? asNumber : schema.safeParse(typed);
  if (result.success) return result.data;
  throw new InvalidArgumentError(`It must be ${result.error.issues[0]!.message}.`);
}

/** Number('') is 0, which nobody means. */
function numberIn(typed: string | string[]): number {
  return typeof typed !== 'string' || typed.trim() === '' ? Number.NaN : Number(typed);
}
