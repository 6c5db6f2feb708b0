import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { integerRule } from '../../src/schema/integers.js';
import { plainSchema } from '../../src/schema/plain.js';
import { checkJsonSchema } from '../../src/text/json-schema.js';

let pair: Pair;
beforeAll(async () => {
  pair = await loadPair({ gpu: 'off', needsDraft: false });
});
afterAll(() => pair.dispose());

/** The first of the tokens of single bytes. */
const BYTES = 3;

/** Whether the grammar that llama.cpp makes of a schema, or of a text in GBNF, accepts this text as a whole. */
async function accepter(source: { jsonSchema: Record<string, unknown> } | { gbnf: string }) {
  const grammar = await pair.target.createGrammar(source);
  return (text: string) => {
    let state = grammar.start();
    for (const byte of Buffer.from(text)) {
      if (!state.allows(BYTES + byte)) return false;
      state = state.after(BYTES + byte);
    }
    return state.isComplete;
  };
}

interface Case {
  readonly schema: Record<string, unknown>;
  readonly valid: readonly unknown[];
  readonly invalid: readonly unknown[];
}

const NULL = { type: 'null' };

/** As pydantic, zod and OpenAPI write them. Properties stand in the order of the schema. */
const WILD: Record<string, Case> = {
  "pydantic's Optional, with constraints": {
    schema: {
      title: 'Person',
      type: 'object',
      properties: {
        name: { title: 'Name', type: 'string', pattern: '^[A-Z][a-z]+$' },
        age: { anyOf: [{ type: 'integer', minimum: 0, maximum: 150 }, NULL], default: null, title: 'Age' },
        email: { type: 'string', format: 'email', title: 'Email' },
      },
      required: ['name', 'age', 'email'],
    },
    valid: [
      { name: 'Ann', age: 42, email: 'ann@example.org' },
      { name: 'Bob', age: null, email: 'b.o-b@mail.example.com' },
      { name: 'Bob', age: 150, email: 'b@x.io' },
    ],
    invalid: [
      { name: 'ann', age: 42, email: 'ann@example.org' },
      { name: 'Ann', age: 151, email: 'ann@example.org' },
      { name: 'Ann', age: -1, email: 'ann@example.org' },
      { name: 'Ann', age: 42, email: 'ann' },
    ],
  },
  "pydantic's nested models and enumerations, from before version 2": {
    schema: {
      type: 'object',
      properties: {
        pet: { allOf: [{ $ref: '#/definitions/Pet' }], title: 'the pet' },
        kind: { $ref: '#/definitions/Kind' },
      },
      required: ['pet', 'kind'],
      definitions: {
        Kind: { enum: ['cat', 'dog'], type: 'string' },
        Pet: {
          type: 'object',
          properties: { legs: { type: 'integer', exclusiveMinimum: 0 } },
          required: ['legs'],
        },
      },
    },
    valid: [{ pet: { legs: 4 }, kind: 'cat' }],
    invalid: [
      { pet: { legs: 0 }, kind: 'cat' },
      { pet: { legs: 4 }, kind: 'cow' },
      { pet: {}, kind: 'cat' },
    ],
  },
  "pydantic's tagged unions": {
    schema: {
      $defs: {
        Cat: { type: 'object', properties: { type: { const: 'cat', type: 'string' } }, required: ['type'] },
        Dog: { type: 'object', properties: { type: { const: 'dog', type: 'string' } }, required: ['type'] },
      },
      discriminator: { propertyName: 'type', mapping: { cat: '#/$defs/Cat', dog: '#/$defs/Dog' } },
      oneOf: [{ $ref: '#/$defs/Cat' }, { $ref: '#/$defs/Dog' }],
    },
    valid: [{ type: 'cat' }, { type: 'dog' }],
    invalid: [{ type: 'cow' }, 'cat'],
  },
  "zod's nullable objects, and a list of types": {
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        where: {
          anyOf: [
            { type: 'object', properties: { id: { type: 'string', format: 'uuid' } }, required: ['id'] },
            NULL,
          ],
        },
        tags: { type: ['array', 'null'], items: { type: 'string', maxLength: 5 }, maxItems: 2 },
        n: { type: ['integer', 'string'], minimum: -3, maximum: 12 },
      },
      required: ['where', 'tags', 'n'],
      additionalProperties: false,
    },
    valid: [
      { where: null, tags: ['a', 'b'], n: -3 },
      { where: { id: '123e4567-e89b-12d3-a456-426614174000' }, tags: null, n: 'many' },
    ],
    invalid: [
      { where: { id: '123e4567' }, tags: null, n: 1 },
      { where: null, tags: ['a', 'b', 'c'], n: 1 },
      { where: null, tags: null, n: -4 },
    ],
  },
  "zod's intersection of objects": {
    schema: {
      allOf: [
        { type: 'object', properties: { a: { type: 'integer', minimum: 1 } }, required: ['a'] },
        {
          type: 'object',
          properties: { b: { type: 'boolean' }, a: { type: 'integer', maximum: 3 } },
          required: ['b'],
        },
      ],
    },
    valid: [
      { a: 1, b: true },
      { a: 3, b: false },
    ],
    invalid: [{ a: 0, b: true }, { a: 4, b: true }, { a: 2 }],
  },
  'addresses, numbers and times': {
    schema: {
      type: 'object',
      properties: {
        host: { type: 'string', format: 'ipv4' },
        page: { type: 'string', format: 'uri' },
        day: { type: 'string', format: 'date' },
        phone: { type: 'string', pattern: '^(\\+\\d{1,3} )?\\d{3}-\\d{4}$' },
      },
      required: ['host', 'page', 'day', 'phone'],
    },
    valid: [
      { host: '192.168.0.255', page: 'https://example.org/a/b', day: '2026-11-27', phone: '+49 555-1234' },
    ],
    invalid: [
      { host: '192.168.0.256', page: 'https://example.org', day: '2026-11-27', phone: '555-1234' },
      { host: '192.168.0.1', page: 'example', day: '2026-11-27', phone: '555-1234' },
      { host: '192.168.0.1', page: 'https://example.org', day: '2026-11-27', phone: '5555-1234' },
    ],
  },
};

/** A value as the grammar writes it. */
const written = (value: unknown) => JSON.stringify(value);

describe('schemas as they are found', () => {
  it.each(Object.entries(WILD))(
    '%s: valid values are accepted, invalid ones are not',
    async (_, { schema, valid, invalid }) => {
      const ajv = new Ajv2020({ strict: false, validateFormats: false });
      expect(() => checkJsonSchema(schema)).not.toThrow();
      const accepts = await accepter({ jsonSchema: schema });
      for (const value of valid) {
        expect(ajv.validate(schema, value), written(value)).toBe(true);
        expect(spaced(accepts, value), written(value)).toBe(true);
      }
      for (const value of invalid) expect(spaced(accepts, value), written(value)).toBe(false);
    },
  );

  it('OpenAPI says null in a word of its own', async () => {
    const accepts = await accepter({ jsonSchema: { type: 'string', nullable: true } });
    expect(['null', '"a"', '1'].map(accepts)).toEqual([true, true, false]);
  });

  it.each([
    ['^a|b$', /brackets/],
    ['(?=a)b', /"\(\?="/],
    ['\\bword', /\\\\b/],
    ['(a)\\1', /\\\\1/],
  ])('refuses the pattern %s, by the part that is no grammar', (pattern, why) => {
    const schema = { type: 'object', properties: { a: { type: 'string', pattern } } };
    expect(() => plainSchema(schema)).toThrow(UsageError);
    expect(() => plainSchema(schema)).toThrow(why);
    expect(() => plainSchema(schema)).toThrow('#/properties/a:');
  });

  it.each([
    '^[A-Z]{2,3}\\d*$',
    '^(yes|no)$',
    'b+',
    '^[^x]y?',
    '^a\\.b\\/c"$',
    '^\\w+@(?:[a-z]+\\.)+de$',
    '[\\-+]\\d{2}$',
  ])('a string obeys the pattern %s as it obeys JavaScript', async (pattern) => {
    const accepts = await accepter({ jsonSchema: { type: 'string', pattern } });
    const expression = new RegExp(pattern);
    const pieces = fc.constantFrom(
      'A',
      'Z',
      'b',
      'x',
      'y',
      '1',
      '22',
      'yes',
      'no',
      '-',
      '+',
      'a.b/c"',
      'me@',
      'x.',
      'de',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 5 }), (parts) => {
        const text = parts.join('');
        return accepts(JSON.stringify(text)) === expression.test(text);
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});

describe('whole numbers with limits', () => {
  it('are those between them, and no others', async () => {
    const limit = fc.oneof(
      fc.integer({ min: -1200, max: 1200 }),
      fc.constantFrom(0, -1, 9, 10, 99, 100, 999),
    );
    const pairs = fc.sample(fc.tuple(limit, limit), { numRuns: 40, seed: 1 });
    for (const [one, other] of pairs) {
      const [min, max] = [Math.min(one, other), Math.max(one, other)];
      const accepts = await accepter({ gbnf: `root ::= ${integerRule(min, max)}` });
      const near = [min, max, 0, -1, 9, 10, 99, 100, 999, 1000, 5, 50, -50, -100, -1000].flatMap((n) => [
        n - 1,
        n,
        n + 1,
      ]);
      for (const n of near) expect(accepts(String(n)), `${n} in ${min}..${max}`).toBe(n >= min && n <= max);
      expect(accepts('007')).toBe(false);
      expect(accepts('-0')).toBe(false);
    }
  });

  it.each([
    [0, Infinity, ['0', '7', '123456789'], ['-1', '01']],
    [18, Infinity, ['18', '99', '100'], ['17', '0', '-18']],
    [-Infinity, -5, ['-5', '-10', '-99999'], ['-4', '0', '5']],
    [-Infinity, 3, ['3', '0', '-1', '-400'], ['4', '10']],
  ])('from %d to %d', async (min, max, inside, outside) => {
    const accepts = await accepter({ gbnf: `root ::= ${integerRule(min, max)}` });
    expect(inside.map(accepts)).toEqual(inside.map(() => true));
    expect(outside.map(accepts)).toEqual(outside.map(() => false));
  });

  it('are refused where there are none', () => {
    expect(integerRule(5, 4)).toBeUndefined();
    const none = { type: 'integer', exclusiveMinimum: 1, exclusiveMaximum: 2 };
    expect(() => plainSchema(none)).toThrow('#: no whole number lies between its limits');
    expect(() => plainSchema({ type: 'integer', maximum: 2 ** 60 })).toThrow('2^53');
  });
});

/** The grammar leaves a space where it likes to; JSON does not mind. */
function spaced(accepts: (text: string) => boolean, value: unknown): boolean {
  const indented = JSON.stringify(value, undefined, 1).replaceAll(/\n\s*/g, '');
  return [JSON.stringify(value), indented, indented.replaceAll(/(?<=[,])/g, ' ')].some(accepts);
}
