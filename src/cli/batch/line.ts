import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import { type Prompt, promptOf } from '../../generation/generate.js';
import { jsonName } from '../../generation/setting-names.js';
import { SETTINGS, type SettingsInput } from '../../generation/settings.js';
import { checkJsonSchema } from '../../text/json-schema.js';

/** The name of an input in the output. */
export type Id = string | number;

/** A text to write. */
export interface Asked {
  readonly prompt: Prompt;
  /** Where they differ from those of the run. */
  readonly settings: SettingsInput;
}

/** What a line says. */
export interface AskedLine extends Asked {
  /** Undefined = it has no name. */
  readonly id: Id | undefined;
}

/** How prompts are put to the model, where a line does not say. */
export interface Manner {
  /** Whether a prompt goes into the chat template. */
  readonly inTemplate: boolean;
  readonly system: string | undefined;
}

/** Settings by their names in JSON. */
const BY_KEY: ReadonlyMap<string, string> = new Map(
  Object.keys(SETTINGS).flatMap((name) => (name === 'grammar' ? [] : [[jsonName(name), name]])),
);
const KEYS = ['id', 'prompt', 'messages', 'system', 'grammar', 'json_schema', ...BY_KEY.keys()];

const text = z.string('must be a text that is not empty').min(1, 'must be a text that is not empty');
const TURNS =
  'must be a list of {"role": "system", "user" or "assistant", "content": text}, which ends with a question or an answer';
const lineSchema = z.looseObject({
  id: z.union([z.string(), z.number()], 'must be a text or a number').optional(),
  prompt: text.optional(),
  messages: z
    .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }), TURNS)
    .min(1, TURNS)
    .refine((messages) => messages.at(-1)?.role !== 'system', TURNS)
    .optional(),
  system: text.optional(),
  grammar: text.optional(),
  json_schema: z.record(z.string(), z.unknown(), 'must be an object').optional(),
});

/** Returns the name that a line gives, also where the rest of it is wrong. */
export function idIn(value: unknown): Id | undefined {
  const id = (value as { readonly id?: unknown } | null)?.id;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/** @throws UsageError saying what is wrong, and what a line is to be */
export function parseLine(value: unknown, { inTemplate, system }: Manner): AskedLine {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError('a line must be an object: {"id": "a", "prompt": "..."}');
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    const turn = path[0] === 'messages' ? TURNS : message;
    throw new UsageError(`"${String(path[0])}" ${turn}`);
  }
  const { id, prompt, messages, system: own = system, grammar, json_schema, ...rest } = parsed.data;
  if ((prompt === undefined) === (messages === undefined))
    throw new UsageError('a line must have either "prompt" or "messages"');
  if (messages && parsed.data.system !== undefined)
    throw new UsageError('"system" stands beside "prompt"; in "messages" it is a message');
  if (parsed.data.system !== undefined && !inTemplate)
    throw new UsageError('"system" needs a chat template: the model has none, or --raw leaves it out');
  if (grammar !== undefined && json_schema !== undefined)
    throw new UsageError('a line has either "grammar" or "json_schema"');
  if (json_schema) checkJsonSchema(json_schema);
  return {
    id,
    prompt: messages ? { messages } : promptOf(prompt!, { inTemplate, system: own }),
    settings: {
      ...settingsIn(rest),
      ...(grammar !== undefined && { grammar: { gbnf: grammar } }),
      ...(json_schema && { grammar: { jsonSchema: json_schema } }),
    },
  };
}

/** Returns a message of the library as it reads beside JSON: `maxTokens` becomes "max_tokens". */
export function inKeys(message: string): string {
  return message.replace(/"(?:[^"\\]|\\.)*"|`(\w+)((?:\.\w+)*)`/g, (all, name, path) =>
    name === undefined ? all : `"${jsonName(name)}${path}"`,
  );
}

/** Values are judged where all settings are. */
function settingsIn(given: Record<string, unknown>): SettingsInput {
  const settings = Object.entries(given).map(([key, value]) => {
    const name = BY_KEY.get(key);
    if (name === undefined) throw new UsageError(`unknown setting "${key}"${hint(key)}`);
    return [name, value];
  });
  return Object.fromEntries(settings);
}

function hint(key: string): string {
  const snake = jsonName(key).replaceAll('-', '_');
  const near = KEYS.includes(snake) ? snake : closest(key, KEYS);
  return distance(snake, near) <= 2 ? `; did you mean "${near}"?` : '';
}
