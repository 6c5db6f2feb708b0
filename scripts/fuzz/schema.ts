/** JSON schemas, many of them wrong. */

import type { Rng } from '../../src/types.js';
import { randomSchema } from '../../test/support/random-schema.js';
import { damagedBytes, oddNumber, oddText, oddValue, pick } from './chance.js';
import { type Kind, tried } from './kind.js';

const KEYWORDS =
  `type const enum oneOf anyOf allOf not if then items prefixItems properties additionalProperties required
maxLength minLength pattern format minimum maximum minItems maxItems uniqueItems $ref $defs title default propertyNames
patternProperties dependentRequired multipleOf exclusiveMinimum`.split(/\s+/);

export const schema: Kind = async () => (rng) => {
  const sound = Buffer.from(JSON.stringify(randomSchema(rng)));
  const kinds = [
    () => sound,
    () => damagedBytes(sound, rng),
    () => Buffer.from(JSON.stringify(withOddities(JSON.parse(sound.toString()), rng))),
    () => Buffer.from(JSON.stringify(oddSchema(rng, 3))),
  ];
  const line = ['-n', '6', '-t', '1', '--seed', '1', '--draft-length', '2', 'Once'];
  return tried({
    files: { 'case.json': pick(kinds, rng)() },
    lines: [['--json-schema', 'case.json', ...line]],
  });
};

function withOddities(schema: Record<string, unknown>, rng: Rng): unknown {
  return { ...schema, [pick(KEYWORDS, rng)]: oddValue(rng) };
}

function oddSchema(rng: Rng, depth: number): unknown {
  const value = () =>
    pick(
      [
        () => oddValue(rng, 1),
        () =>
          pick(
            [
              'string',
              'object',
              'array',
              'number',
              'integer',
              'null',
              '#',
              '#/$defs/a',
              '(a+)+$',
              '^[a-z]{9}$',
            ],
            rng,
          ),
        () => oddNumber(rng),
        () => oddText(rng),
        () => (depth > 0 ? oddSchema(rng, depth - 1) : {}),
        () => (depth > 0 ? [oddSchema(rng, depth - 1), oddSchema(rng, depth - 1)] : []),
        () => (depth > 0 ? { a: oddSchema(rng, depth - 1) } : {}),
      ],
      rng,
    )();
  return Object.fromEntries(
    Array.from({ length: 1 + Math.floor(3 * rng()) }, () => [pick(KEYWORDS, rng), value()]),
  );
}
