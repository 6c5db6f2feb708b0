import { isDeepStrictEqual } from 'node:util';
import type { Schema } from './schema.js';

/** How two values of a keyword are both held; undefined: they cannot be. Of other keywords both must be the same. */
const BOTH: ReadonlyMap<string, (one: unknown, other: unknown) => unknown> = new Map<
  string,
  (one: unknown, other: unknown) => unknown
>([
  ['properties', (one, other) => bothProperties(one as Schema, other as Schema)],
  ['required', (one, other) => [...new Set([...(one as string[]), ...(other as string[])])]],
  ['type', bothTypes],
  ...['title', 'description', 'default', 'examples'].map((name) => [name, (one: unknown) => one] as const),
  ...['minimum', 'minLength', 'minItems', 'minProperties', 'exclusiveMinimum'].map(
    (name) => [name, (one: unknown, other: unknown) => Math.max(one as number, other as number)] as const,
  ),
  ...['maximum', 'maxLength', 'maxItems', 'maxProperties', 'exclusiveMaximum'].map(
    (name) => [name, (one: unknown, other: unknown) => Math.min(one as number, other as number)] as const,
  ),
  ['additionalProperties', (one, other) => (one === true ? other : other === true ? one : undefined)],
]);

/**
 * Returns a schema that holds all of these.
 * @returns the keyword that keeps them apart, where there is none
 */
export function merged(schemas: readonly Schema[]): Schema | string {
  const all: Record<string, unknown> = {};
  for (const schema of schemas)
    for (const [keyword, value] of Object.entries(schema)) {
      const known = all[keyword];
      const isNew = !Object.hasOwn(all, keyword) || isDeepStrictEqual(known, value);
      const both = isNew ? value : BOTH.get(keyword)?.(known, value);
      if (both === undefined) return keyword;
      all[keyword] = both;
    }
  return all;
}

function bothProperties(one: Schema, other: Schema): Schema {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(
    names.map((name) => {
      const schemas = [one, other].flatMap((properties) =>
        Object.hasOwn(properties, name) ? [properties[name]] : [],
      );
      return [name, schemas.length === 1 ? schemas[0] : { allOf: schemas }];
    }),
  );
}

function bothTypes(one: unknown, other: unknown): unknown {
  const common = [one].flat().filter((type) => [other].flat().includes(type));
  return common.length === 0 ? undefined : common.length === 1 ? common[0] : common;
}
