import type { GbnfJsonSchema, Llama } from 'node-llama-cpp';
import { plainSchema } from '../../schema/plain.js';
import type { Schema } from '../../schema/schema.js';

const NUMBER = '"-"? ("0" | [1-9] [0-9]{0,15})';
const CHARACTER = '[^"\\\\\\x7F\\x00-\\x1F]';
const EXPONENT = ' ([eE] [-+]? ("0" | [1-9] [0-9]{0,15}))?';

/** Characters that JSON must escape or UTF-8 cannot hold. node-llama-cpp escapes tabs and line breaks in values; its own end rules. */
const UNESCAPED = /(?![\t\n\r\x7F-\x9F])\p{Cc}|\p{Surrogate}/gu;

/** Stands for node-llama-cpp's library, which would read the grammar before its repair. Only the text is wanted. */
const UNREAD = { _bindings: { AddonGrammar: class {} } } as unknown as Llama;

/**
 * @returns node-llama-cpp's grammar for a schema, with six repairs. The four newlines after the value, meant for models
 *   that do not end by themselves, are dropped: after the value only an end token is allowed. 1e-3 is no integer. No
 *   exponent has more than two digits, since JSON.parse reads 1e999 as Infinity. Bytes that form no character are not
 *   allowed. Control characters in names and values are escaped. "anyOf" means the same as "oneOf".
 */
export async function gbnfOfSchema(schema: Schema): Promise<string> {
  const { schema: plain, rules } = plainSchema(schema);
  const { LlamaJsonSchemaGrammar } = await import('node-llama-cpp');
  const { grammar } = new LlamaJsonSchemaGrammar<GbnfJsonSchema>(UNREAD, withOneOf(plain) as never);
  return withRules(repaired(grammar), rules);
}

/** Puts rules in the places of the constants that stand for them. */
function withRules(grammar: string, rules: ReadonlyMap<string, string>): string {
  const names = [...rules.keys()].map((place) => [place, place.replaceAll(':', '-')] as const);
  const placed = names.reduce((text, [place, name]) => text.replaceAll(`"\\"${place}\\""`, name), grammar);
  return [placed, ...names.map(([place, name]) => `${name} ::= ${rules.get(place)}`)].join('\n');
}

function repaired(grammar: string): string {
  return grammar
    .replace(/ "(\\n){4}" \[\\n\]\*$/m, '')
    .replaceAll(UNESCAPED, (character) => `\\\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll(CHARACTER, String.raw`[ !#-[\]-~\u0080-\uD7FF\uE000-\U0010FFFF]`)
    .replaceAll(NUMBER + EXPONENT, NUMBER)
    .replaceAll(EXPONENT, ' ([eE] [-+]? [0-9]{1,2})?');
}

/** The keys of a schema whose values are schemas. */
const LISTS = ['oneOf', 'anyOf', 'prefixItems'];
const RECORDS = ['properties', '$defs'];
const SINGLE = ['items', 'additionalProperties'];

function withOneOf(schema: Schema): Schema {
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => [
      keyword === 'anyOf' ? 'oneOf' : keyword,
      insideOf(keyword, value),
    ]),
  );
}

function insideOf(keyword: string, value: unknown): unknown {
  if (LISTS.includes(keyword)) return (value as Schema[]).map(withOneOf);
  if (RECORDS.includes(keyword))
    return Object.fromEntries(
      Object.entries(value as Schema).map(([name, schema]) => [name, withOneOf(schema as Schema)]),
    );
  return SINGLE.includes(keyword) && typeof value === 'object' ? withOneOf(value as Schema) : value;
}
