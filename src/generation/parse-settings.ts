import { UsageError } from '../errors.js';
import { refusalOf } from '../strategies/index.js';
import { checkJsonSchema } from '../text/json-schema.js';
import { type Settings, type SettingsInput, settingsSchema } from './settings.js';

/**
 * Checks settings and adds the defaults.
 * @throws UsageError naming the first setting that is wrong, what it should be and what it is
 */
export function parseSettings(input: SettingsInput): Settings {
  const result = settingsSchema.safeParse(input);
  if (result.success) return withQuality(refuseContradictions(result.data));
  const issue = result.error.issues[0]!;
  if (issue.code === 'unrecognized_keys') throw new UsageError(`Unknown setting ${issue.keys.join(', ')}`);
  const given = issue.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown>)[key],
    input,
  );
  throw new UsageError(
    `\`${issue.path.join('.')}\` must be ${issue.message}, not ${typeof given === 'number' ? given : JSON.stringify(given)}`,
  );
}

/** @throws UsageError where one setting rules out what another asks for */
function refuseContradictions(settings: Settings): Settings {
  const { strategy, grammar, ignoreEos } = settings;
  const refusal = refusalOf(strategy, settings);
  if (refusal !== undefined) throw new UsageError(refusal);
  if (grammar && ignoreEos)
    throw new UsageError('A `grammar` ends the text, and `ignoreEos` forbids the end: leave out one of them');
  if (grammar && 'jsonSchema' in grammar) checkJsonSchema(grammar.jsonSchema);
  return settings;
}

/** A quality that is asked for moves the threshold. */
function withQuality(settings: Settings): Settings {
  return settings.quality === undefined ? settings : { ...settings, threshold: 'auto' };
}
