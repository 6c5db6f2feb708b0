import { refuse, type Schema } from '../schema/schema.js';

/** Keywords for human readers only. */
const ANNOTATIONS = [
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$schema',
  '$id',
  '$comment',
];

/** Further keywords of each kind of schema. node-llama-cpp's converter silently ignores all others. */
const KEYWORDS = {
  $ref: [],
  oneOf: [],
  anyOf: [],
  const: ['type'],
  enum: ['type'],
  object: ['type', 'properties', 'additionalProperties', 'required', 'minProperties', 'maxProperties'],
  array: ['type', 'items', 'prefixItems', 'minItems', 'maxItems'],
  format: ['type'],
  string: ['type', 'minLength', 'maxLength'],
  scalar: ['type'],
} satisfies Record<string, string[]>;
/** A kind of schema. */
export type Kind = keyof typeof KEYWORDS;

/** Types of values without parts. */
export const SCALARS = ['string', 'number', 'integer', 'boolean', 'null'];

/**
 * Looks for keywords in the order of the converter.
 * @throws UsageError for a schema that is of no kind
 */
export function kindOf(schema: Schema, path: string): Kind {
  for (const kind of ['$ref', 'oneOf', 'anyOf', 'const', 'enum'] as const) if (kind in schema) return kind;
  const { type } = schema;
  if (type === 'object' || type === 'array') return type;
  if (type === 'string') return 'format' in schema ? 'format' : 'string';
  const types = Array.isArray(type) ? type : [type];
  if (types.length > 0 && types.every((one) => SCALARS.includes(one))) return 'scalar';
  const unfit = Object.keys(schema).find((keyword) => hintFor(keyword) !== '');
  if (unfit !== undefined) refuse(path, `"${unfit}" cannot be turned into a grammar here${hintFor(unfit)}`);
  return refuse(
    path,
    type === undefined
      ? '"type", "enum", "const", "anyOf", "oneOf" or "$ref" is needed'
      : `"type" must be object, array or one or more of ${SCALARS.join(', ')}, not ${JSON.stringify(type)}`,
  );
}

/** @throws UsageError for a keyword that is none of this kind of schema */
export function refuseUnknown(schema: Schema, kind: Kind, path: string): void {
  const known: string[] = [...ANNOTATIONS, ...KEYWORDS[kind], kind];
  const unknown = Object.keys(schema).find((keyword) => !known.includes(keyword));
  if (unknown !== undefined)
    refuse(path, `"${unknown}" cannot be turned into a grammar here${hintFor(unknown)}`);
}

function hintFor(keyword: string): string {
  if (keyword === '$defs' || keyword === 'definitions') return ': use "$defs" at the root';
  return '';
}
