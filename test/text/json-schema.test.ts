import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { createRng } from '../../src/math/rng.js';
import { checkJsonSchema } from '../../src/text/json-schema.js';
import { randomSchema } from '../support/random-schema.js';

const text = { type: 'string' };

describe('checkJsonSchema', () => {
  it('accepts what a grammar can be made from', () => {
    for (let seed = 1; seed <= 300; seed++)
      expect(checkJsonSchema(randomSchema(createRng(seed)))).toEqual([]);
  });

  it('takes no notice of what is said to people', () => {
    const schema = {
      $schema: 'x',
      $id: 'y',
      title: 't',
      description: 'd',
      default: 1,
      examples: [],
      $comment: 'c',
    };
    expect(checkJsonSchema({ ...schema, ...text })).toEqual([]);
  });

  it('says which properties are written although they are not required', () => {
    const schema = { type: 'object', properties: { a: text, b: text, c: text } };
    expect(checkJsonSchema({ ...schema, required: ['b'] })).toEqual([
      'all properties at # are always written, also a, c',
    ]);
    expect(checkJsonSchema({ ...schema, required: ['c', 'a', 'b'] })).toEqual([]);
    expect(checkJsonSchema(schema)).toEqual([]);
  });

  it('says where "oneOf" is taken as "anyOf"', () => {
    const oneOf = (...oneOf: object[]) => checkJsonSchema({ oneOf });
    expect(oneOf({ type: 'number' }, { type: 'integer' })).toEqual([
      '"oneOf" at # is taken as "anyOf": a value may match several of its schemas',
    ]);
    expect(oneOf({ type: ['string', 'null'] }, { type: 'string' })).toHaveLength(1);
    expect(oneOf({ const: 1 }, { type: 'integer' })).toHaveLength(1);
    expect(oneOf({ const: 1 }, { const: 'a' })).toEqual([]);
    expect(oneOf({ type: 'string' }, { type: 'integer' }, { type: 'array', items: text })).toEqual([]);
  });

  it.each([
    [{ type: 'string', enum: ['a', 2] }, '"type" is "string", and 2 is another'],
    [{ type: 'string', const: null }, '"type" is "string", and null is another'],
    [{ type: ['integer', 'null'], enum: [1, null, 1.5] }, 'and 1.5 is another'],
  ])('refuses %j, whose values are not of its type', (schema, message) => {
    expect(() => checkJsonSchema(schema)).toThrow(message);
    expect(() => checkJsonSchema(schema)).toThrow(UsageError);
  });

  it('takes values that are of their type', () => {
    expect(checkJsonSchema({ type: ['integer', 'null'], enum: [1, null] })).toEqual([]);
    expect(checkJsonSchema({ type: 'number', const: 1.5 })).toEqual([]);
  });

  it('does not take the name of a property for a keyword', () => {
    expect(checkJsonSchema({ type: 'object', properties: { pattern: text, anyOf: text } })).toEqual([]);
  });

  it('takes "anyOf" at its word, also where a value may match several', () => {
    const anyOf = [{ type: 'number' }, { anyOf: [{ type: 'integer' }, { const: 1 }] }];
    expect(checkJsonSchema({ anyOf })).toEqual([]);
    expect(checkJsonSchema({ type: 'array', items: { anyOf } })).toEqual([]);
  });

  it.each([
    ['9007199254740993', 'here to 9007199254740992'],
    ['-9007199254740992', 'here to -9007199254740992'],
    ['1e999', 'here to Infinity'],
  ])('refuses %s as a value, which JavaScript rounds', (digits, message) => {
    for (const schema of [`{"const": ${digits}}`, `{"enum": [1, ${digits}]}`])
      expect(() => checkJsonSchema(JSON.parse(schema))).toThrow(message);
    const annotated = { ...text, default: Number(digits), examples: [Number(digits)] };
    expect(checkJsonSchema(annotated)).toEqual([]);
  });

  it('takes whole numbers up to the largest that is exact', () => {
    for (const sign of [1, -1]) expect(checkJsonSchema({ const: sign * (2 ** 53 - 1) })).toEqual([]);
  });

  it.each([
    [{ const: 'a\0b' }, '"a\\u0000b" has a NUL character'],
    [{ type: 'object', properties: { '\0': text } }, '"\\u0000" has a NUL character'],
  ])('refuses %j', (schema, message) => {
    expect(() => checkJsonSchema(schema)).toThrow(message);
  });

  it('refuses what is nested too deeply, or too large, and nothing less', () => {
    const nested = (levels: number) => {
      let schema: Record<string, unknown> = text;
      for (let level = 1; level < levels; level++) schema = { [level % 2 ? 'anyOf' : 'oneOf']: [schema] };
      return schema;
    };
    const linked = (levels: number) => ({
      $defs: Object.fromEntries(
        Array.from({ length: levels - 1 }, (_, i) => [
          `a${i}`,
          i + 2 < levels ? { $ref: `#/$defs/a${i + 1}` } : text,
        ]),
      ),
      $ref: '#/$defs/a0',
    });
    const listed = (values: number) => ({ enum: Array.from({ length: values }, (_, i) => `word ${i}`) });
    expect(checkJsonSchema(nested(200)).length).toBeGreaterThanOrEqual(0);
    expect(() => checkJsonSchema(nested(201))).toThrow('#: it is nested deeper than 200 levels');
    expect(() => checkJsonSchema(nested(60_000))).toThrow(UsageError);
    expect(checkJsonSchema(linked(200))).toEqual([]);
    expect(() => checkJsonSchema(linked(201))).toThrow('#: it is nested deeper than 200 levels');
    expect(() => checkJsonSchema(linked(4_900))).toThrow('#: it has more than 500 "$defs"');
    expect(checkJsonSchema(listed(9_999))).toEqual([]);
    expect(() => checkJsonSchema(listed(10_000))).toThrow('it has more than 10000 schemas and values');
  });

  it('follows references that lead in circles once', () => {
    const list = { type: 'array', items: { $ref: '#/$defs/pair' } };
    const pair = { anyOf: [text, { $ref: '#/$defs/list' }] };
    expect(checkJsonSchema({ $defs: { list, pair }, $ref: '#/$defs/list' })).toEqual([]);
    const wrong = { $defs: { list, pair: { ...pair, not: {} } }, $ref: '#/$defs/list' };
    expect(() => checkJsonSchema(wrong)).toThrow('#/$defs/pair: "not"');
  });

  it.each([
    ['string', 'Length'],
    ['array', 'Items'],
    ['object', 'Properties'],
  ])('refuses counts of %s that no grammar holds', (type, what) => {
    const inside = { string: {}, array: { items: text }, object: { additionalProperties: text } }[type];
    const schema = (keyword: string, count: number) => ({
      anyOf: [text, { type, ...inside, [keyword]: count }],
    });
    for (const keyword of [`min${what}`, `max${what}`]) {
      expect(checkJsonSchema(schema(keyword, 999))).toEqual([]);
      for (const count of [1_000, 1_000_000, 1e21])
        expect(() => checkJsonSchema(schema(keyword, count))).toThrow(
          `#/anyOf/1: "${keyword}" is ${count}, and a grammar counts to 999`,
        );
    }
  });

  it.each([
    [{ ...text, pattern: '(?=a)' }, '"pattern"', '#:'],
    [{ ...text, pattern: 'a', minLength: 2 }, '"pattern"', '#:'],
    [{ type: 'number', minimum: 1 }, '"minimum"', '#:'],
    [{ type: 'integer', minimum: 3, maximum: 2 }, 'no whole number', '#:'],
    [{ type: 'integer', minimum: '1' }, '"minimum"', '#:'],
    [{ type: 'integer', minimum: 1, multipleOf: 2 }, '"multipleOf"', '#:'],
    [{ type: 'array', items: { ...text, maxLength: 2, format: 'date' } }, '"maxLength"', '#/items:'],
    [{ type: 'array', items: text, uniqueItems: true }, '"uniqueItems"', '#:'],
    [
      { type: 'object', properties: { a: { type: 'object', patternProperties: {} } } },
      '"patternProperties"',
      '#/properties/a:',
    ],
    [{ anyOf: [text, { ...text, not: {} }] }, '"not"', '#/anyOf/1:'],
    [{ anyOf: [text], oneOf: [text] }, '"anyOf"', '#:'],
    [{ anyOf: [] }, 'a list', '#/anyOf:'],
    [{ allOf: [text, { type: 'integer' }] }, '"allOf"', '#:'],
    [
      { allOf: [{ $ref: '#/$defs/a' }], $defs: { a: { allOf: [{ $ref: '#/$defs/a' }, text] } } },
      '"allOf"',
      '#',
    ],
    [{ oneOf: [text, { ...text, not: {} }] }, '"not"', '#/oneOf/1:'],
    [{ type: 'array', prefixItems: [text, { $defs: {}, ...text }] }, '"$defs"', '#/prefixItems/1:'],
    [{ $defs: { a: { ...text, pattern: '\\b' } }, $ref: '#/$defs/a' }, '"pattern"', '#/$defs/a:'],
    [
      { type: 'object', additionalProperties: { ...text, pattern: '\\b' } },
      '"pattern"',
      '#/additionalProperties:',
    ],
    [{ enum: ['a'], const: 'a' }, '"enum"', '#:'],
    [{ $ref: '#/definitions/a' }, '"$ref"', '#/$defs/a'],
    [{ $ref: '#/$defs/b', $defs: { a: text } }, '"$ref"', '#/$defs/b'],
    [{}, '"type"', '#:'],
    [{ type: 'array', items: {} }, '"type"', '#/items:'],
    [{ type: 'array', items: true }, 'an object', '#/items:'],
    [{ type: ['object', 'text'] }, '"type"', '"text"'],
    [{ type: 'text' }, '"type"', '"text"'],
    [{ type: [] }, '"type"', '[]'],
    [{ ...text, format: 'regex' }, '"format"', '"regex"'],
    [{ enum: [] }, '"enum"', '#:'],
    [{ const: { a: 1 } }, '"const"', '#:'],
    [{ oneOf: [] }, 'a list', '#/oneOf:'],
    [{ ...text, minLength: 3, maxLength: 2 }, '"minLength"', '"maxLength"'],
    [{ ...text, minLength: 1.5 }, '"minLength"', '1.5'],
    [{ type: 'array', prefixItems: [text, text], maxItems: 1 }, '"maxItems"', '2'],
    [{ type: 'object', properties: { a: text, b: text }, maxProperties: 1 }, '"maxProperties"', '2'],
    [{ type: 'object', properties: { a: text }, minProperties: 2 }, '"minProperties"', '1'],
    [{ type: 'object', properties: { a: text }, required: ['b'] }, '"required"', '"b"'],
    [{ type: 'object', properties: [] }, 'an object', '#/properties:'],
  ])('refuses %j and names what and where', (schema, what, where) => {
    const check = () => checkJsonSchema(schema as Record<string, unknown>);
    expect(check).toThrow(UsageError);
    expect(check).toThrow(what);
    expect(check).toThrow(where);
  });
});
