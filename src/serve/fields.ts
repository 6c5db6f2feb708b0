import { OPTION_SETTINGS, type SettingName } from '../generation/settings.js';

/** Settings that hold for the whole server: a template is run, and a request is a stranger's. */
const OF_SERVER: readonly SettingName[] = ['chatTemplate'];

/** The setting that each field of a request sets: `draft_length` is `draftLength`. */
export const SETTING_OF: ReadonlyMap<string, SettingName> = new Map([
  ['max_completion_tokens', 'maxTokens'],
  ...OPTION_SETTINGS.filter((name) => !OF_SERVER.includes(name)).map(
    (name) => [snakeCase(name), name] as const,
  ),
]);

const FIELD_OF: ReadonlyMap<string, string> = new Map([...SETTING_OF].map(([field, name]) => [name, field]));

/**
 * Returns a message of the library for the reader of an answer: the library names settings between backquotes, and clients
 * know fields. Text between double quotes is somebody else's.
 */
export function inFields(message: string): string {
  return message.replace(/"(?:[^"\\]|\\.)*"|`(\w+)/g, (all, name) => {
    const field = FIELD_OF.get(name);
    return field === undefined ? all : `\`${field}`;
  });
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
