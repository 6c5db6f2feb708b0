/**
 * Assembles the WebAssembly that src/engine/direct/scan.ts runs, and prints it in base64:
 *   npx tsx scripts/make-scan.ts
 */
import { fileURLToPath } from 'node:url';

const I32 = 0x7f;
const F32 = 0x7d;
const V128 = 0x7b;
const NO_RESULT = 0x40;
const getLocal = (index: number): Code => [0x20, index];
const [FROM, END, LEAST, LEASTS] = [getLocal(0), getLocal(1), getLocal(2), getLocal(3)];
type Code = readonly number[];

/** LEB128: operations above 127 take two bytes. */
const simd = (operation: number): Code =>
  operation < 0x80 ? [0xfd, operation] : [0xfd, (operation & 0x7f) | 0x80, operation >> 7];
const setLocal = (index: number): Code => [0x21, index];
const ifThen = (code: Code): Code => [0x04, NO_RESULT, ...code, 0x0b];
const RETURN: Code = [0x0f];
/** Whether each of four floats behind the address `FROM` is at most the least. A NaN is not. */
const atMost = (offset: number): Code => [...FROM, ...simd(0x00), 2, offset, ...LEASTS, ...simd(0x45)];
const AND = simd(0x4e);
const ALL_TRUE = simd(0xa3);
const NOT: Code = [0x45];

/** next(from, end, least): the first address of 64 bytes in [from, end) that has a greater float or a NaN, else `end`. */
const BODY: Code = [
  ...[1, 1, V128], // one local: `least` four times
  ...[...LEAST, ...simd(0x13), ...setLocal(3)],
  ...[0x03, NO_RESULT], // loop
  ...[...FROM, ...END, 0x4f, ...ifThen([...END, ...RETURN])], // from >= end
  ...[...atMost(0), ...atMost(16), ...AND, ...atMost(32), ...AND, ...atMost(48), ...AND],
  ...[...ALL_TRUE, ...NOT, ...ifThen([...FROM, ...RETURN])],
  ...[...FROM, 0x41, 0xc0, 0x00, 0x6a, ...setLocal(0)], // from += 64
  ...[0x0c, 0, 0x0b], // once more
  ...[0x00, 0x0b], // never reached
];

const text = (value: string): Code => [value.length, ...Buffer.from(value)];
const section = (id: number, content: Code): Code => [id, content.length, ...content]; // all shorter than 128

/** The module: it imports `env.memory` and exports `next`. */
export function scanModule(): Uint8Array {
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, I32, I32, F32, 1, I32]),
    ...section(2, [1, ...text('env'), ...text('memory'), 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text('next'), 0, 0]),
    ...section(10, [1, BODY.length, ...BODY]),
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(`${Buffer.from(scanModule()).toString('base64')}\n`);
