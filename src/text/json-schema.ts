import { FORMATS as STRING_FORMATS } from '../schema/formats.js';
import { plainSchema } from '../schema/plain.js';
import { isSchema, refuse, type Schema } from '../schema/schema.js';
import { type Kind, kindOf, refuseUnknown, SCALARS } from './schema-kind.js';

/**
 * Bounds of the converter and of llama.cpp's parser. Both call themselves for nested schemas, and the converter's time grows
 * with the square of the number of definitions. llama.cpp refuses more than 2,000 rules of a repetition; each item takes two.
 */
const MOST = { levels: 200, definitions: 500, parts: 10_000, times: 999 };

const FORMATS = ['date', 'time', 'date-time'];

/**
 * Checks that a grammar can enforce a JSON schema, with the exceptions in the notes.
 * @returns notes: the demands of the grammar beyond the schema, a sentence each
 * @throws UsageError with the first keyword that the grammar cannot enforce, and its place
 */
export function checkJsonSchema(root: Schema): string[] {
  const { $defs = {}, ...rest } = plainSchema(root).schema;
  const definitions = Object.entries(recordAt($defs, '#/$defs'));
  if (definitions.length > MOST.definitions) refuse('#', `it has more than ${MOST.definitions} "$defs"`);
  const check = new Check(new Map(definitions.map(([name, schema]) => [`#/$defs/${name}`, schema])));
  check.schema(rest, '#');
  check.definitions();
  return check.notes;
}

class Check {
  readonly notes: string[] = [];
  #parts = 0; // schemas and values
  #level = 0;
  readonly #definitions: ReadonlyMap<unknown, unknown>; // by path
  readonly #followed = new Set<unknown>();

  constructor(definitions: ReadonlyMap<string, unknown>) {
    this.#definitions = definitions;
  }

  /** Checks all definitions, also those without a reference. */
  definitions(): void {
    for (const path of this.#definitions.keys()) this.#reference(path, '#');
  }

  schema(value: unknown, path: string): void {
    if (++this.#level > MOST.levels) refuse('#', `it is nested deeper than ${MOST.levels} levels`);
    this.#count(1);
    const schema = recordAt(value, path);
    const kind = kindOf(schema, path);
    refuseUnknown(schema, kind, path);
    this.#inside(kind, schema, path);
    this.#level--;
  }

  #count(parts: number): void {
    this.#parts += parts;
    if (this.#parts > MOST.parts) refuse('#', `it has more than ${MOST.parts} schemas and values`);
  }

  #inside(kind: Kind, schema: Schema, path: string): void {
    if (kind === '$ref') this.#reference(schema.$ref, path);
    if (kind === 'oneOf') this.#oneOf(schema.oneOf, path);
    if (kind === 'anyOf') this.#list(schema.anyOf, `${path}/anyOf`);
    if (kind === 'const') this.#literals([schema.const], schema.type, path);
    if (kind === 'enum') this.#literals(schema.enum, schema.type, path);
    if (kind === 'object') this.#object(schema, path);
    if (kind === 'array') this.#array(schema, path);
    if (kind === 'string') checkRange(schema, 'minLength', 'maxLength', path);
    if (kind === 'format' && !FORMATS.includes(schema.format as string))
      refuse(
        path,
        `"format" must be one of ${[...FORMATS, ...STRING_FORMATS.keys()].join(', ')}, not ${JSON.stringify(schema.format)}`,
      );
  }

  /** Checks a definition at its first reference, at the depth where the converter writes it. */
  #reference(reference: unknown, path: string): void {
    if (!this.#definitions.has(reference))
      refuse(path, `"$ref" must name a schema of the root's "$defs", not ${JSON.stringify(reference)}`);
    if (this.#followed.has(reference)) return;
    this.#followed.add(reference);
    this.schema(this.#definitions.get(reference), reference as string);
  }

  #oneOf(schemas: unknown, path: string): void {
    this.#list(schemas, `${path}/oneOf`);
    const types = (schemas as Schema[]).flatMap(typesOf);
    if (new Set(types).size < types.length)
      this.notes.push(`"oneOf" at ${path} is taken as "anyOf": a value may match several of its schemas`);
  }

  #literals(literals: unknown, type: unknown, path: string): void {
    checkLiterals(literals, type, path);
    this.#count(literals.length);
  }

  #list(schemas: unknown, path: string): void {
    if (!Array.isArray(schemas) || schemas.length === 0) refuse(path, 'a list of schemas is needed');
    for (const [i, schema] of schemas.entries()) this.schema(schema, `${path}/${i}`);
  }

  #object(schema: Schema, path: string): void {
    const { properties = {}, additionalProperties = false, required } = schema;
    const names = Object.entries(recordAt(properties, `${path}/properties`));
    for (const [name, property] of names) {
      checkText(name, path);
      this.schema(property, `${path}/properties/${name}`);
    }
    if (typeof additionalProperties !== 'boolean')
      this.schema(additionalProperties, `${path}/additionalProperties`);
    checkRange(schema, 'minProperties', 'maxProperties', path);
    const { minProperties = 0, maxProperties = Number.POSITIVE_INFINITY } = schema as Record<string, number>;
    if (names.length > maxProperties)
      refuse(path, `"maxProperties" is ${maxProperties}, and all ${names.length} properties are written`);
    if (names.length < minProperties && additionalProperties === false)
      refuse(path, `"minProperties" is ${minProperties}, and there are ${names.length} properties to write`);
    if (required !== undefined)
      this.#required(
        required,
        names.map(([name]) => name),
        path,
      );
  }

  #required(required: unknown, properties: readonly string[], path: string): void {
    if (!Array.isArray(required)) refuse(path, '"required" must be a list of names');
    const stray = required.find((name) => !properties.includes(name));
    if (stray !== undefined)
      refuse(path, `"required" names ${JSON.stringify(stray)}, which is none of the properties`);
    const optional = properties.filter((name) => !required.includes(name));
    if (optional.length > 0)
      this.notes.push(`all properties at ${path} are always written, also ${optional.join(', ')}`);
  }

  #array(schema: Schema, path: string): void {
    const { items, prefixItems } = schema;
    if (items !== undefined) this.schema(items, `${path}/items`);
    if (prefixItems !== undefined) this.#list(prefixItems, `${path}/prefixItems`);
    checkRange(schema, 'minItems', 'maxItems', path);
    const length = Array.isArray(prefixItems) ? prefixItems.length : 0;
    if (length > ((schema.maxItems as number | undefined) ?? length))
      refuse(path, `"maxItems" is ${schema.maxItems}, and all ${length} of "prefixItems" are written`);
  }
}

function checkLiterals(literals: unknown, type: unknown, path: string): asserts literals is unknown[] {
  const isLiteral = (value: unknown) => value === null || /^(string|number|boolean)$/.test(typeof value);
  if (!Array.isArray(literals) || literals.length === 0) refuse(path, '"enum" must list values');
  if (!literals.every(isLiteral))
    refuse(path, '"const" and "enum" must be strings, numbers, true, false or null');
  const types = type === undefined ? SCALARS : [type].flat();
  const stray = literals.find((literal) => !types.some((one) => isOfType(literal, one)));
  if (stray !== undefined)
    refuse(path, `"type" is ${JSON.stringify(type)}, and ${JSON.stringify(stray)} is another`);
  for (const literal of literals) {
    if (typeof literal === 'string') checkText(literal, path);
    if (typeof literal === 'number' && !(Math.abs(literal) <= Number.MAX_SAFE_INTEGER))
      refuse(
        path,
        `numbers beyond ${Number.MAX_SAFE_INTEGER} are rounded when they are read, here to ${literal}; a \`grammar\` in GBNF takes the digits as text`,
      );
  }
}

/** NUL: llama.cpp cuts a grammar there. */
function checkText(text: string, path: string): void {
  if (text.includes('\0'))
    refuse(path, `${JSON.stringify(text)} has a NUL character, which no grammar can hold`);
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  return value === null ? type === 'null' : typeof value === type;
}

/** @returns the types of a schema's values. Integers are numbers. A schema of unknown type allows all types. */
function typesOf(schema: Schema): unknown[] {
  if ('const' in schema || 'enum' in schema) {
    const literals = 'const' in schema ? [schema.const] : (schema.enum as unknown[]);
    return [...new Set(literals.map((literal) => (literal === null ? 'null' : typeof literal)))];
  }
  const { type = ['object', 'array', 'string', 'number', 'boolean', 'null'] } = schema;
  return [...new Set([type].flat().map((one) => (one === 'integer' ? 'number' : one)))];
}

function checkRange(schema: Schema, min: string, max: string, path: string): void {
  for (const keyword of [min, max].filter((keyword) => keyword in schema)) {
    const times = schema[keyword] as number;
    if (!(Number.isInteger(times) && times >= 0))
      refuse(path, `"${keyword}" must be a whole number, not ${JSON.stringify(times)}`);
    if (times > MOST.times) refuse(path, `"${keyword}" is ${times}, and a grammar counts to ${MOST.times}`);
  }
  if ((schema[min] as number) > (schema[max] as number)) refuse(path, `"${min}" is larger than "${max}"`);
}

function recordAt(value: unknown, path: string): Schema {
  return isSchema(value) ? value : refuse(path, `an object is needed, not ${JSON.stringify(value)}`);
}
