import type { GbnfJsonSchema, Llama } from 'node-llama-cpp';

type Schema = Readonly<Record<string, unknown>>;

const NUMBER = '"-"? ("0" | [1-9] [0-9]{0,15})';
const CHARACTER = '[^"\\\\\\x7F\\x00-\\x1F]';
const EXPONENT = ' ([eE] [-+]? ("0" | [1-9] [0-9]{0,15}))?';

/** What JSON must escape, or UTF-8 cannot hold. node-llama-cpp escapes tabs and line breaks in values; its own end rules. */
const UNESCAPED = /(?![\t\n\r\x7F-\x9F])\p{Cc}|\p{Surrogate}/gu;

/**
 * node-llama-cpp's grammar for a schema, with six repairs. Its four newlines after the value, meant for models that do
 * not end by themselves, are dropped: an end token is then all that is allowed. 1e-3 is no integer. No exponent has more
 * than two digits, since 1e999 is no number to JSON.parse. No byte sequence counts as a character that is none. Control
 * characters in names and values are escaped. "anyOf" is understood, as what it takes "oneOf" for.
 */
export async function gbnfOfSchema(llama: Llama, schema: Schema): Promise<string> {
  const { grammar } = await llama.createGrammarForJsonSchema<GbnfJsonSchema>(withOneOf(schema) as never);
  return grammar
    .replace(/ "(\\n){4}" \[\\n\]\*$/m, '')
    .replaceAll(UNESCAPED, (character) => `\\\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll(CHARACTER, String.raw`[ !#-[\]-~\u0080-\uD7FF\uE000-\U0010FFFF]`)
    .replaceAll(NUMBER + EXPONENT, NUMBER)
    .replaceAll(EXPONENT, ' ([eE] [-+]? [0-9]{1,2})?');
}

/** Where schemas stand in a schema. */
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
