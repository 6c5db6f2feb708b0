import { UsageError } from '../errors.js';
import { jsonName, type Settings, UNLIMITED } from '../generation/settings.js';

/** Fields of a request that all servers understand. */
const OF_ALL = [
  'temperature',
  'top_p',
  'seed',
  'max_tokens',
  'stop',
  'presence_penalty',
  'frequency_penalty',
  'response_format',
];

/** What servers understand besides, by the owner that their models name. */
const BESIDE: ReadonlyMap<string, readonly string[]> = new Map([
  ['llamacpp', ['top_k', 'min_p', 'repeat_penalty', 'repeat_last_n', 'ignore_eos', 'grammar']],
  ['vllm', ['top_k', 'min_p', 'ignore_eos']],
]);

/** The owner of the models of `mtad serve`. */
const OWN = 'mtad';

/** Whether a server understands a field, which others may ignore without a word. */
export function understands(owner: string | undefined, field: string): boolean {
  return owner === OWN || OF_ALL.includes(field) || (BESIDE.get(owner ?? '') ?? []).includes(field);
}

/** Returns the fields that say the same as settings, each with the name of its setting. */
export function fieldsOf(settings: Partial<Settings>): Map<string, { name: string; value: unknown }> {
  const { grammar, ...plain } = settings;
  const fields = new Map<string, { name: string; value: unknown }>();
  for (const [name, value] of Object.entries(plain)) {
    const isOpen = value === undefined || (name === 'maxTokens' && value === UNLIMITED);
    if (!isOpen) fields.set(jsonName(name), { name, value });
  }
  if (grammar && 'gbnf' in grammar) fields.set('grammar', { name: 'grammar', value: grammar.gbnf });
  if (grammar && 'jsonSchema' in grammar)
    fields.set('response_format', { name: 'jsonSchema', value: formatOf(grammar.jsonSchema) });
  return fields;
}

function formatOf(schema: object): object {
  return { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
}

/** @throws UsageError for a setting that the server would not heed */
export function refuseUnheeded(setting: string, url: string): never {
  throw new UsageError(
    `The server at ${url} is not known to heed \`${setting}\`, which mtad serve does: leave it out`,
  );
}
