import type { Rng } from '../../src/types.js';

/** @returns a whole number from 0 to `n` - 1 */
export const below = (n: number, rng: Rng): number => Math.floor(rng() * n);

export const pick = <T>(from: readonly T[], rng: Rng): T => from[below(from.length, rng)]!;

export const some = <T>(most: number, make: () => T, rng: Rng): T[] =>
  Array.from({ length: below(most + 1, rng) }, make);

/** Texts at which readers stumble. */
const ODD_TEXTS = [
  '',
  ' ',
  '\0',
  '\x1b[2J\x1b]52;c;aGk=\x07',
  '\x9b31m',
  '\u202eevil\u2066',
  '\ud800',
  '__proto__',
  'constructor',
  'toString',
  '-1',
  '1e999',
  'NaN',
  'no/such/folder/../file',
  '/dev/full',
  'a'.repeat(300),
  'é漢🐙',
  '{{ x }}',
  '%s%n',
  '\'"`$(x)\\',
  '\r\n',
  '99999999999999999999',
  '0x10',
  'true',
  'null',
];

const ODD_NUMBERS = [
  0,
  -0,
  1,
  -1,
  2,
  7,
  255,
  256,
  65_535,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 53,
  0.5,
  -1e9,
  1e308,
];

export const oddText = (rng: Rng): string => pick(ODD_TEXTS, rng);
export const oddNumber = (rng: Rng): number => pick(ODD_NUMBERS, rng);

/** A JSON value of any shape. */
export function oddValue(rng: Rng, depth = 2): unknown {
  const kinds: (() => unknown)[] = [
    () => oddText(rng),
    () => oddNumber(rng),
    () => rng() < 0.5,
    () => null,
    () => some(3, () => oddValue(rng, depth - 1), rng),
    () => Object.fromEntries(some(3, () => [oddText(rng), oddValue(rng, depth - 1)], rng)),
  ];
  return pick(depth > 0 ? kinds : kinds.slice(0, 4), rng)();
}

/** The same bytes with a few changed, cut out, doubled or cut off. */
export function damagedBytes(bytes: Uint8Array, rng: Rng, most = 4): Buffer {
  let changed = Buffer.from(bytes.length > 0 ? bytes : [0]);
  for (let left = 1 + below(most, rng); left > 0; left--) {
    const at = below(changed.length, rng);
    const length = 1 + below(16, rng);
    const edits: (() => Buffer)[] = [
      () => {
        changed[at]! ^= 1 << below(8, rng);
        return changed;
      },
      () => {
        changed.fill(pick([0, 0x7f, 0x80, 0xff, 0x20], rng), at, Math.min(at + length, changed.length));
        return changed;
      },
      () => Buffer.concat([changed.subarray(0, at), changed.subarray(at + length)]),
      () => Buffer.concat([changed.subarray(0, at + length), changed.subarray(at)]),
      () => Buffer.concat([changed.subarray(0, at), Buffer.from(oddText(rng)), changed.subarray(at)]),
      () => changed.subarray(0, at),
    ];
    changed = Buffer.from(pick(edits, rng)());
    if (changed.length === 0) return changed;
  }
  return changed;
}
