import { InvalidArgumentError } from 'commander';
import { closest } from 'fastest-levenshtein';
import { definitionOf } from '../../strategies/index.js';
import { DECODING_SETTINGS, type DecodingSetting } from '../decoding-options.js';
import { settingOption } from '../setting-options.js';
import { spelled } from '../settings/names.js';
import { parseGiven } from '../settings/values.js';
import { MisuseError } from './misuse-error.js';
import type { Partner } from './partner.js';

/** The settings, by their names on the command line. */
const NAMES: ReadonlyMap<string, DecodingSetting> = new Map(
  DECODING_SETTINGS.map((name) => [spelled(name), name]),
);

/**
 * Changes a setting of a conversation.
 * @param text `name value`; `name` alone, or nothing, changes nothing
 * @returns the setting as it is now, or all of them
 * @throws MisuseError for a name or value that is wrong; what `change` throws
 */
export async function setChatSetting(partner: Partner, text: string): Promise<string> {
  const [, word = '', value = ''] = /^(\S*)\s*(.*)$/s.exec(text)!;
  if (word === '') return [...NAMES.keys()].map((name) => told(partner, name)).join('\n');
  const name = word.replace(/^--/, '');
  const setting = NAMES.get(name);
  if (setting === undefined)
    throw new MisuseError(
      `There is no setting ${JSON.stringify(name)}; did you mean ${closest(name, [...NAMES.keys()])}? (/set lists them)`,
    );
  if (value !== '') await partner.change({ [setting]: parsed(setting, value) });
  return told(partner, name);
}

function parsed(setting: DecodingSetting, value: string): unknown {
  try {
    return parseGiven(settingOption(setting), value);
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause;
    throw new MisuseError(`/set ${spelled(setting)} ${value} is invalid. ${cause.message}`, { cause });
  }
}

function told({ settings, open }: Partner, name: string): string {
  const value = settings[NAMES.get(name)!];
  const shown = typeof value === 'object' && 'create' in value ? definitionOf(value).name : (value ?? open);
  return `${name} = ${JSON.stringify(shown)}`;
}
