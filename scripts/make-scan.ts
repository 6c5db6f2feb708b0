/**
 * Assembles the WebAssembly that src/engine/direct/scan.ts runs, and prints it in base64:
 *   npx tsx scripts/make-scan.ts
 */
import { fileURLToPath } from 'node:url';

const I32 = 0x7f;
const F32 = 0x7d;
const F64 = 0x7c;
const V128 = 0x7b;
const NO_RESULT = 0x40;
type Code = readonly number[];

const leb = (value: number): Code => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >> 7)]);
const simd = (operation: number): Code => [0xfd, ...leb(operation)];
const getLocal = (index: number): Code => [0x20, index];
const setLocal = (index: number): Code => [0x21, index];
const [FROM, END] = [getLocal(0), getLocal(1)];
const ifThen = (code: Code): Code => [0x04, NO_RESULT, ...code, 0x0b];
const RETURN: Code = [0x0f];
const NEVER_REACHED: Code = [0x00, 0x0b];
const splat = simd(0x13);
/** The same float four times. */
const four = (value: number): Code => [...[0x43, ...new Uint8Array(Float32Array.of(value).buffer)], ...splat];
const loadAt = (offset: number): Code => [...FROM, ...simd(0x00), 2, offset];
const [MAX, ADD, SUB, MUL] = [simd(0xe9), simd(0xe4), simd(0xe5), simd(0xe6)];

/** Four vectors of four floats at a time, from address `FROM` to `END`. */
const blocks = (code: Code, atEnd: Code): Code => [
  ...[0x03, NO_RESULT], // loop
  ...[...FROM, ...END, 0x4f, ...ifThen([...atEnd, ...RETURN])], // from >= end
  ...code,
  ...[...FROM, 0x41, 0xc0, 0x00, 0x6a, ...setLocal(0)], // from += 64
  ...[0x0c, 0, 0x0b], // once more
  ...NEVER_REACHED,
];
const OFFSETS = [0, 16, 32, 48];

/** next(from, end, least): the first address of 64 bytes in [from, end) that has a greater float or a NaN, else `end`. */
function nextBody(): Code {
  const [least, leasts] = [getLocal(2), 3];
  const atMost = OFFSETS.map((offset) => [...loadAt(offset), ...getLocal(leasts), ...simd(0x45)]); // a NaN is not
  const and = simd(0x4e);
  const allAtMost = atMost.flatMap((code, i) => (i === 0 ? code : [...code, ...and]));
  return [
    ...[1, 1, V128], // one local: `least` four times
    ...[...least, ...splat, ...setLocal(leasts)],
    ...blocks([...allAtMost, ...simd(0xa3), 0x45, ...ifThen([...FROM, ...RETURN])], END),
  ];
}

/** Of exp(r) for |r| <= ln(2) / 2, behind 1 + r: the coefficients of r^2 and higher powers, the highest first (Cephes). */
const COEFFICIENTS = [
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
];
/** The logarithm of 2, in two parts: multiples of the first are exact. */
const LN2 = [0.693359375, -2.1219444e-4] as const;
/** exp of less is hardly a number any more, and counts as nothing in a sum that has a 1. */
const LEAST_EXPONENT = -87;

/**
 * sum(from, end, max): the sum of exp(float - max) over [from, end). exp(x) is 2^n exp(r), with n = x / ln 2 rounded; its
 * relative error is below 2e-7. It is added up in doubles. A NaN makes the sum a NaN.
 */
function sumBody(): Code {
  const [max, maxes, x, n, r, sum] = [getLocal(2), 3, 4, 5, 6, 7];
  const horner = COEFFICIENTS.slice(1).flatMap((value) => [...getLocal(r), ...MUL, ...four(value), ...ADD]);
  const lower = [...simd(0x0d), 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]; // the halves change places
  const promote = simd(0x5f);
  const addUp = [...promote, ...getLocal(sum), ...simd(0xf0), ...setLocal(sum)];
  const ofFour = (offset: number): Code => [
    ...[...loadAt(offset), ...getLocal(maxes), ...SUB, ...four(LEAST_EXPONENT), ...MAX, ...setLocal(x)],
    ...[...getLocal(x), ...four(Math.LOG2E), ...MUL, ...simd(0x6a), ...setLocal(n)], // rounded
    ...[...getLocal(x), ...getLocal(n), ...four(LN2[0]), ...MUL, ...SUB],
    ...[...getLocal(n), ...four(LN2[1]), ...MUL, ...SUB, ...setLocal(r)],
    ...[...four(COEFFICIENTS[0]!), ...horner, ...getLocal(r), ...MUL, ...getLocal(r), ...MUL],
    ...[...getLocal(r), ...ADD, ...four(1), ...ADD], // exp(r)
    ...[
      ...getLocal(n),
      ...simd(0xf8),
      0x41,
      0xff,
      0x00,
      ...simd(0x11),
      ...simd(0xae),
      0x41,
      23,
      ...simd(0xab),
    ], // 2^n
    ...[...MUL, ...setLocal(x)],
    ...[...getLocal(x), ...addUp, ...getLocal(x), ...getLocal(x), ...lower, ...addUp],
  ];
  const laneOf = (lane: number): Code => [...getLocal(sum), ...simd(0x21), lane];
  return [
    ...[1, 5, V128],
    ...[...max, ...splat, ...setLocal(maxes)],
    ...blocks(OFFSETS.flatMap(ofFour), [...laneOf(0), ...laneOf(1), 0xa0]),
  ];
}

const text = (value: string): Code => [value.length, ...Buffer.from(value)];
const sized = (content: Code): Code => [...leb(content.length), ...content];
const section = (id: number, content: Code): Code => [id, ...sized(content)];

/** The module: it imports `env.memory` and exports `next` and `sum`. */
export function scanModule(): Uint8Array {
  const functions = [
    { name: 'next', result: I32, body: nextBody() },
    { name: 'sum', result: F64, body: sumBody() },
  ];
  const all = (codeOf: (one: (typeof functions)[number], index: number) => Code) => [
    functions.length,
    ...functions.flatMap(codeOf),
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      all(({ result }) => [0x60, 3, I32, I32, F32, 1, result]),
    ),
    ...section(2, [1, ...text('env'), ...text('memory'), 2, 0, 1]),
    ...section(
      3,
      all((_, index) => [index]),
    ),
    ...section(
      7,
      all(({ name }, index) => [...text(name), 0, index]),
    ),
    ...section(
      10,
      all(({ body }) => sized(body)),
    ),
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(`${Buffer.from(scanModule()).toString('base64')}\n`);
