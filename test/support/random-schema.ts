import type { Rng } from '../../src/types.js';

type Schema = Record<string, unknown>;

/** A schema of each kind that a grammar can be made from, small enough that its texts are mostly short. */
export function randomSchema(rng: Rng): Schema {
  const schema = anySchema(rng, 2);
  return rng() < 0.2
    ? { $defs: { part: schema }, type: 'array', items: { $ref: '#/$defs/part' }, maxItems: 2 }
    : schema;
}

/** @param depth of objects and arrays inside */
function anySchema(rng: Rng, depth: number): Schema {
  const kinds = depth > 0 ? [...SCALARS, ...CONTAINERS, ...CONTAINERS] : SCALARS;
  return pick(kinds, rng)(rng, depth);
}

type Kind = (rng: Rng, depth: number) => Schema;

const SCALARS: Kind[] = [
  (rng) => ({ type: 'string', ...range('Length', 12, rng) }),
  (rng) => ({ type: 'string', format: pick(['date', 'time', 'date-time'], rng) }),
  (rng) => ({ type: pick(['integer', 'number', 'boolean', 'null'], rng) }),
  (rng) => ({
    type: pick(
      [
        ['string', 'null'],
        ['integer', 'boolean'],
        ['number', 'null'],
      ],
      rng,
    ),
  }),
  (rng) => ({ enum: Array.from({ length: 1 + below(4, rng) }, () => pick(LITERALS, rng)) }),
  (rng) => ({ const: pick(LITERALS, rng), title: 'always the same' }),
  () => ({ oneOf: [{ type: 'boolean' }, { type: 'string', maxLength: 8 }, { const: 7 }] }),
  () => ({ anyOf: [{ type: 'integer' }, { anyOf: [{ const: 'seven' }, { enum: [7, null] }] }] }),
];

const CONTAINERS: Kind[] = [
  (rng, depth) => ({ anyOf: [anySchema(rng, depth - 1), anySchema(rng, depth - 1)], title: 'either' }),
  (rng, depth) => ({
    type: 'object',
    properties: Object.fromEntries(
      Array.from({ length: below(4, rng) }, () => [pick(NAMES, rng), anySchema(rng, depth - 1)]),
    ),
    additionalProperties: false,
  }),
  (rng, depth) => ({
    type: 'object',
    additionalProperties: anySchema(rng, depth - 1),
    maxProperties: 1 + below(2, rng),
  }),
  (rng, depth) => ({ type: 'array', items: anySchema(rng, depth - 1), ...range('Items', 3, rng) }),
  (rng, depth) => ({
    type: 'array',
    prefixItems: [anySchema(rng, depth - 1), anySchema(rng, depth - 1)],
    items: anySchema(rng, depth - 1),
    maxItems: 2 + below(2, rng),
  }),
];

/** With what has to be escaped, in JSON and in the grammar's notation. */
const LITERALS = [
  '',
  'a',
  'once upon',
  'say "no"',
  'back\\slash',
  'tab\tand\nline',
  'bell\u0007 and \b',
  'half \ud83d a pair',
  'The mark <|im_end|></s>',
  'é 漢 🐙',
  0,
  -1.5,
  Number.MAX_SAFE_INTEGER,
  true,
  null,
];
const NAMES = ['a', 'name', 'the "key"', 'é', 'with space', 'n\\n', '42', 'del\x7F\x1B', '</s>'];

function range(of: string, most: number, rng: Rng): Schema {
  const max = below(most + 1, rng);
  return rng() < 0.1 ? {} : { [`min${of}`]: below(max + 1, rng), [`max${of}`]: max };
}

function below(n: number, rng: Rng): number {
  return Math.floor(rng() * n);
}

function pick<T>(from: readonly T[], rng: Rng): T {
  return from[below(from.length, rng)]!;
}
