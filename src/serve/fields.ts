import { jsonName, OPTION_SETTINGS } from '../generation/setting-names.js';
import type { SettingName } from '../generation/settings.js';

/** Settings of the whole server. A template is a program, and requests may come from strangers. */
const OF_SERVER: readonly SettingName[] = ['chatTemplate'];

/** The settings by the fields of a request: `draft_length` sets `draftLength`. */
export const SETTING_OF: ReadonlyMap<string, SettingName> = new Map([
  ['max_completion_tokens', 'maxTokens'],
  ...OPTION_SETTINGS.filter((name) => !OF_SERVER.includes(name)).map(
    (name) => [jsonName(name), name] as const,
  ),
]);

const FIELD_OF: ReadonlyMap<string, string> = new Map([...SETTING_OF].map(([field, name]) => [name, field]));

/**
 * Returns a message of the library with the fields of a request in place of settings, which the library puts between
 * backquotes. Quoted text stays as it is.
 */
export function inFields(message: string): string {
  return message.replace(/"(?:[^"\\]|\\.)*"|`(\w+)/g, (all, name) => {
    const field = FIELD_OF.get(name);
    return field === undefined ? all : `\`${field}`;
  });
}
