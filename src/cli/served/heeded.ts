import type { Command } from 'commander';
import { type Asked, fieldsOf, refuseUnheeded, understands } from '../../client/fields.js';
import { OPTION_SETTINGS } from '../../generation/setting-names.js';
import type { Settings, SettingsInput } from '../../generation/settings.js';

/** The server, and how a line is said to the user. */
interface There extends Asked {
  readonly url: string;
  readonly say: (line: string) => void;
}

/**
 * Returns the settings that were given. What was not given is left to the server.
 * @throws UsageError for a flag that the server would not heed; a setting from elsewhere is passed over, and a line says so
 */
export function heeded(settings: Settings, program: Command, { url, say, ...server }: There): SettingsInput {
  const sourceOf = (name: string) => program.getOptionValueSource(name);
  const given = OPTION_SETTINGS.filter((name) => ![undefined, 'default'].includes(sourceOf(name)));
  const asked: SettingsInput = {
    ...Object.fromEntries(given.map((name) => [name, settings[name]])),
    ...(settings.grammar && { grammar: settings.grammar }),
  };
  const passed = new Set<string>();
  for (const [field, { name }] of fieldsOf(asked, server.owner)) {
    if (understands(server, field)) continue;
    if (['cli', undefined].includes(sourceOf(name))) refuseUnheeded(name, url);
    say(`\`${name}\` of ${sourceOf(name)} is not used: the server at ${url} is not known to heed it`);
    passed.add(name);
  }
  return Object.fromEntries(Object.entries(asked).filter(([name]) => !passed.has(name)));
}
