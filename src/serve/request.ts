import { z } from 'zod';
import type { SettingsInput } from '../generation/settings.js';
import { ApiError } from './api-error.js';
import { SETTING_OF } from './fields.js';
import { anyJson } from './json-object.js';

/** The most answers to one request. */
export const MOST_CHOICES = 128;

const given = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined); // clients send null for fields that they leave open

const responseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({ schema: z.record(z.string(), z.unknown()) }),
  }),
]);

/** The fields that all requests for a text share. Settings are checked by the table of settings. */
export const COMMON = {
  model: given(z.string()),
  stream: given(z.boolean()),
  stream_options: given(z.object({ include_usage: given(z.boolean()) })),
  n: given(z.int().min(1).max(MOST_CHOICES)),
  stop: given(z.union([z.string(), z.array(z.string())])),
  response_format: given(responseFormat),
  grammar: given(z.string()),
};

/** A request whose known fields are checked. Other fields are as they came. */
export type CommonRequest = z.output<z.ZodObject<typeof COMMON>> & Readonly<Record<string, unknown>>;

/** Fields that are not supported, and a check for the values that change nothing. Fields without a row are ignored. */
const REFUSED: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['tools', isEmpty],
  ['functions', isEmpty],
  ['logit_bias', isEmpty],
  ['modalities', (value) => Array.isArray(value) && value.every((one) => one === 'text')],
  ['audio', () => false],
  ['suffix', (value) => value === ''],
  ['echo', (value) => value === false],
  ['best_of', (value) => value === 1],
  ['top_logprobs', (value) => value === 0],
]);

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** @throws ApiError 400 that names the first field that is wrong or not supported */
export function parseRequest<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const { success, data, error } = schema.safeParse(body);
  if (!success) {
    const { path, message } = error.issues[0]!;
    const param = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
    throw new ApiError(400, `${param.slice(1) || 'The body'}: ${message}`, { param: param.slice(1) || null });
  }
  const fields = body as Readonly<Record<string, unknown>>;
  for (const [field, isHarmless] of REFUSED)
    if (fields[field] != null && !isHarmless(fields[field]))
      throw new ApiError(400, `${field} is not supported here: leave it out`, { param: field });
  return data;
}

/** Returns the settings in a request. */
export function requestedSettings(request: CommonRequest): SettingsInput {
  const { stop, grammar, response_format: format } = request;
  if (grammar !== undefined && format !== undefined && format.type !== 'text')
    throw new ApiError(400, 'grammar and response_format exclude each other', { param: 'grammar' });
  const settings = [...SETTING_OF]
    .filter(([field]) => request[field] != null)
    .map(([field, name]) => [name, request[field]]);
  return {
    ...Object.fromEntries(settings),
    ...(stop !== undefined && { stop: typeof stop === 'string' ? [stop] : stop }),
    ...(grammar !== undefined && { grammar: { gbnf: grammar } }),
    ...(format?.type === 'json_object' && { grammar: { gbnf: anyJson() } }),
    ...(format?.type === 'json_schema' && { grammar: { jsonSchema: format.json_schema.schema } }),
  };
}
