import { merged } from './all-of.js';
import { FORMATS } from './formats.js';
import { integerRule } from './integers.js';
import { PatternError, patternRule } from './pattern.js';
import { isSchema, refuse, type Schema } from './schema.js';

/** A schema in few keywords, and what its constants of certain names stand for. */
export interface PlainSchema {
  readonly schema: Schema;
  /** Rules in GBNF by the constants that hold their places. */
  readonly rules: ReadonlyMap<string, string>;
}

/** The most levels of a schema. */
const MOST_LEVELS = 200;

const LIMITS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];

/** Keywords of schemas of one type: where several types may stand, each has its own. */
const OF_TYPE: ReadonlyMap<string, readonly string[]> = new Map([
  ['string', ['minLength', 'maxLength', 'pattern', 'format']],
  ['integer', LIMITS],
  ['number', LIMITS],
  ['object', ['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems']],
]);
const OF_TYPES = new Set([...OF_TYPE.values()].flat());

/** What the place of a schema is called in messages. */
type Path = string;

/** One way to say a schema in fewer keywords; undefined where the schema does not say it so. */
type Rewrite = (schema: Schema, plain: Plain, path: Path) => Schema | undefined;

/** In this order, each as often as it applies. */
const REWRITES: readonly Rewrite[] = [
  withoutDiscriminator,
  withNull,
  withType,
  withAllOf,
  withSeveralTypes,
  withRange,
  withPattern,
  withFormat,
];

/**
 * Says a schema as grammars understand it: what pydantic, zod and OpenAPI write, in other words with the same meaning.
 * What it does not know stays as it is.
 * @throws UsageError for what no grammar can hold
 */
export function plainSchema({ definitions, ...root }: Schema): PlainSchema {
  const all = { ...(definitions as Schema | undefined), ...(root.$defs as Schema | undefined) };
  const hasDefinitions = Object.keys(all).length > 0;
  const plain = new Plain(all);
  const { $defs, ...rest } = root;
  const schema = plain.schema(rest, '#', 1);
  const isRecord = $defs === undefined || isSchema($defs);
  if (!isRecord) return { schema: { ...schema, $defs }, rules: plain.rules };
  const named = Object.entries(all).map(([name, one]) => [name, plain.schema(one, `#/$defs/${name}`, 1)]);
  const isAsked = hasDefinitions || $defs !== undefined;
  return { schema: { ...(isAsked && { $defs: Object.fromEntries(named) }), ...schema }, rules: plain.rules };
}

class Plain {
  readonly rules = new Map<string, string>();
  readonly #definitions: Schema;

  constructor(definitions: Schema) {
    this.#definitions = definitions;
  }

  schema(value: unknown, path: Path, level: number): Schema {
    if (level > MOST_LEVELS) refuse('#', `it is nested deeper than ${MOST_LEVELS} levels`);
    if (!isSchema(value)) return value as Schema; // which the check refuses
    let schema: Schema = value;
    for (let i = 0; i < REWRITES.length; ) {
      const rewritten = REWRITES[i]!(schema, this, path);
      if (rewritten) schema = rewritten;
      i = rewritten ? 0 : i + 1;
    }
    return Object.fromEntries(
      Object.entries(schema).map(([keyword, inside]) => [
        keyword,
        this.#inside(keyword, inside, path, level + 1),
      ]),
    );
  }

  #inside(keyword: string, value: unknown, path: Path, level: number): unknown {
    if (['oneOf', 'anyOf', 'prefixItems'].includes(keyword) && Array.isArray(value))
      return value.map((one, i) => this.schema(one, `${path}/${keyword}/${i}`, level));
    if (keyword === 'properties' && isSchema(value))
      return Object.fromEntries(
        Object.entries(value).map(([name, one]) => [
          name,
          this.schema(one, `${path}/properties/${name}`, level),
        ]),
      );
    if (['items', 'additionalProperties'].includes(keyword))
      return this.schema(value, `${path}/${keyword}`, level);
    if (keyword === '$ref' && typeof value === 'string')
      return value.replace(/^#\/definitions\//, '#/$defs/');
    return value;
  }

  /** The schema of a reference, in place of the reference. */
  resolved(schema: Schema, path: Path, seen: readonly string[] = []): Schema {
    const { $ref, ...beside } = schema;
    const name = typeof $ref === 'string' ? /^#\/(?:\$defs|definitions)\/(.+)$/.exec($ref)?.[1] : undefined;
    if (name === undefined || !Object.hasOwn(this.#definitions, name)) return schema;
    if (seen.includes(name)) refuse(path, `"allOf" leads in a circle, by way of ${JSON.stringify($ref)}`);
    const found = this.#definitions[name];
    if (!isSchema(found)) return schema;
    return { ...this.resolved(found, path, [...seen, name]), ...beside };
  }

  /** A string or number that obeys a rule. */
  obeying(rule: string, { title, description }: Schema): Schema {
    const place = `mtad:rule:${this.rules.size}`;
    this.rules.set(place, rule);
    return {
      const: place,
      ...(title !== undefined && { title }),
      ...(description !== undefined && { description }),
    };
  }
}

/** pydantic's and OpenAPI's hint which of several schemas is meant: each says it itself. */
function withoutDiscriminator({ discriminator, ...rest }: Schema): Schema | undefined {
  return discriminator === undefined || !('oneOf' in rest || 'anyOf' in rest) ? undefined : rest;
}

/** OpenAPI 3.0. */
function withNull({ nullable, ...rest }: Schema): Schema | undefined {
  if (typeof nullable !== 'boolean') return undefined;
  return nullable ? { anyOf: [rest, { type: 'null' }] } : rest;
}

/** A schema that has properties or items is taken for that of an object or an array. */
function withType(schema: Schema): Schema | undefined {
  if (['type', '$ref', 'allOf', 'anyOf', 'oneOf', 'const', 'enum'].some((keyword) => keyword in schema))
    return undefined;
  if ('properties' in schema) return { type: 'object', ...schema };
  return 'items' in schema || 'prefixItems' in schema ? { type: 'array', ...schema } : undefined;
}

function withAllOf({ allOf, ...beside }: Schema, plain: Plain, path: Path, depth = 0): Schema | undefined {
  if (!Array.isArray(allOf) || allOf.length === 0 || !allOf.every(isSchema)) return undefined;
  const single =
    allOf.length === 1 &&
    Object.keys(beside).every((keyword) => /^(title|description|default)$/.test(keyword));
  if (single) return { ...allOf[0], ...beside };
  const parts = allOf.map((part) => flat(plain.resolved(part, path), plain, path, depth + 1));
  const whole = merged([beside, ...parts]);
  if (typeof whole !== 'string') return whole;
  return refuse(path, `"allOf" has schemas that "${whole}" keeps apart: write out what it comes to`);
}

/** A part of an "allOf" without one of its own. */
function flat(schema: Schema, plain: Plain, path: Path, depth: number): Schema {
  if (depth > MOST_LEVELS) refuse(path, '"allOf" leads in a circle');
  const typed = withType(schema) ?? schema;
  return withAllOf(typed, plain, path, depth) ?? typed;
}

/** A type of several, one of which is made of others or has limits. */
function withSeveralTypes(schema: Schema): Schema | undefined {
  const { type } = schema;
  if (!Array.isArray(type) || type.length < 2 || 'enum' in schema || 'const' in schema) return undefined;
  const isPlain =
    !type.some((one) => one === 'object' || one === 'array') &&
    !Object.keys(schema).some((keyword) => OF_TYPES.has(keyword));
  if (isPlain) return undefined;
  const others = Object.entries(schema).filter(([keyword]) => !OF_TYPES.has(keyword) && keyword !== 'type');
  const ofType = (one: string) =>
    Object.entries(schema).filter(([keyword]) => OF_TYPE.get(one)?.includes(keyword));
  return {
    ...Object.fromEntries(others),
    anyOf: type.map((one) => ({ type: one, ...Object.fromEntries(ofType(one)) })),
  };
}

function withRange(schema: Schema, plain: Plain, path: Path): Schema | undefined {
  if (schema.type !== 'integer' || !LIMITS.some((keyword) => keyword in schema)) return undefined;
  const stray = LIMITS.find((keyword) => keyword in schema && !Number.isFinite(schema[keyword]));
  if (stray !== undefined) refuse(path, `"${stray}" must be a number, not ${JSON.stringify(schema[stray])}`);
  const limit = (keyword: string, none: number) => (schema[keyword] as number | undefined) ?? none;
  const min = Math.max(
    Math.ceil(limit('minimum', -Infinity)),
    Math.floor(limit('exclusiveMinimum', -Infinity)) + 1,
  );
  const max = Math.min(
    Math.floor(limit('maximum', Infinity)),
    Math.ceil(limit('exclusiveMaximum', Infinity)) - 1,
  );
  const outside = [min, max].find((one) => Number.isFinite(one) && !Number.isSafeInteger(one));
  if (outside !== undefined) refuse(path, `${outside} is beyond 2^53, where JSON's readers round`);
  const rule = integerRule(min, max);
  if (rule === undefined) refuse(path, `no whole number lies between its limits, ${min} and ${max}`);
  return withRest(schema, ['type', ...LIMITS], plain.obeying(rule, schema));
}

function withPattern(schema: Schema, plain: Plain, path: Path): Schema | undefined {
  const { type, pattern } = schema;
  if (type !== 'string' || typeof pattern !== 'string') return undefined;
  const beside = ['minLength', 'maxLength', 'format'].find((keyword) => keyword in schema);
  if (beside !== undefined)
    refuse(path, `"pattern" beside "${beside}" cannot be turned into a grammar: say it in the pattern`);
  try {
    return withRest(schema, ['type', 'pattern'], plain.obeying(quoted(patternRule(pattern)), schema));
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return refuse(
      path,
      `"pattern" ${JSON.stringify(pattern)} cannot be turned into a grammar: ${error.message}`,
    );
  }
}

function withFormat(schema: Schema, plain: Plain): Schema | undefined {
  const rule = schema.type === 'string' ? FORMATS.get(schema.format as string) : undefined;
  if (rule === undefined || 'minLength' in schema || 'maxLength' in schema) return undefined;
  return withRest(schema, ['type', 'format'], plain.obeying(quoted(rule), schema));
}

function quoted(rule: string): string {
  return `"\\"" ${rule} "\\""`;
}

/** Keeps what else a schema says, for the check to judge. */
function withRest(schema: Schema, told: readonly string[], instead: Schema): Schema {
  return {
    ...Object.fromEntries(Object.entries(schema).filter(([keyword]) => !told.includes(keyword))),
    ...instead,
  };
}
