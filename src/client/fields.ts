import { UsageError } from '../errors.js';
import { jsonName } from '../generation/setting-names.js';
import { type SettingsInput, UNLIMITED } from '../generation/settings.js';

/** Fields of a request that all servers understand. */
const OF_ALL = [
  'temperature',
  'top_p',
  'seed',
  'max_tokens',
  'stop',
  'presence_penalty',
  'frequency_penalty',
];

/** What all servers understand beside messages. Beside a bare prompt most ignore it. */
const OF_CHAT = 'response_format';

/** The owner of the models of llama-server. Beside a bare prompt it ignores `response_format`, but not `json_schema`. */
const LLAMA_CPP = 'llamacpp';

/** What servers understand besides, by the owner that their models name. */
const BESIDE: ReadonlyMap<string, readonly string[]> = new Map([
  [LLAMA_CPP, ['top_k', 'min_p', 'repeat_penalty', 'repeat_last_n', 'ignore_eos', 'grammar', 'json_schema']],
  ['vllm', ['top_k', 'min_p', 'ignore_eos', OF_CHAT]],
]);

/** The owner of the models of `mtad serve`. */
const OWN = 'mtad';

/** A server, and how it is asked. */
export interface Asked {
  readonly owner: string | undefined;
  /** Whether the prompt is bare, and not in messages. */
  readonly isRaw: boolean;
}

/** Whether a server understands a field, which others may ignore without a word. */
export function understands({ owner, isRaw }: Asked, field: string): boolean {
  if (owner === OWN || OF_ALL.includes(field) || (field === OF_CHAT && !isRaw)) return true;
  return BESIDE.get(owner ?? '')?.includes(field) ?? false;
}

/** Returns the fields that say the same as settings to a server, each with the name of its setting. */
export function fieldsOf(
  settings: SettingsInput,
  owner: string | undefined,
): Map<string, { name: string; value: unknown }> {
  const { grammar, ...plain } = settings;
  const fields = new Map<string, { name: string; value: unknown }>();
  for (const [name, value] of Object.entries(plain)) {
    const isOpen = value === undefined || (name === 'maxTokens' && value === UNLIMITED);
    if (!isOpen) fields.set(jsonName(name), { name, value });
  }
  if (grammar && 'gbnf' in grammar) fields.set('grammar', { name: 'grammar', value: grammar.gbnf });
  if (grammar && 'jsonSchema' in grammar) {
    const { jsonSchema: schema } = grammar;
    const [field, value] = owner === LLAMA_CPP ? ['json_schema', schema] : [OF_CHAT, formatOf(schema)];
    fields.set(field, { name: 'jsonSchema', value });
  }
  return fields;
}

/** Returns the fields of a request, by their names, with their values. */
export function bodyOf(settings: SettingsInput, owner: string | undefined): Record<string, unknown> {
  return Object.fromEntries([...fieldsOf(settings, owner)].map(([field, { value }]) => [field, value]));
}

/** Whether a server's chat template gets answers whole: their reasoning too, and one that the messages end with, to go on with. */
export function takesWholeAnswers(owner: string | undefined): boolean {
  return owner === OWN || owner === LLAMA_CPP;
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
