/** Grammars in llama.cpp's notation, a few of them right. */
import type { Rng } from '../../src/types.js';
import { below, damagedBytes, oddText, pick, some } from './chance.js';
import { type Kind, tried } from './kind.js';

const NAMES = ['a', 'b', 'c-d', 'root'];

export const grammar: Kind = async () => (rng) => {
  const sound = Buffer.from(`root ::= ${alternatives(rng, 3)}\n${rules(rng)}`);
  const text = pick([() => sound, () => damagedBytes(sound, rng), () => large(rng)], rng)();
  const line = ['-n', '6', '-t', '1', '--seed', '1', '--draft-length', '2', 'Once'];
  return tried({ files: { 'case.gbnf': text }, lines: [['--grammar', 'case.gbnf', ...line]] });
};

const rules = (rng: Rng): string =>
  NAMES.slice(0, 3)
    .map((name) => `${name} ::= ${alternatives(rng, 2)}`)
    .join('\n');

const alternatives = (rng: Rng, depth: number): string =>
  [sequence(rng, depth), ...some(2, () => sequence(rng, depth), rng)].join(' | ');

const sequence = (rng: Rng, depth: number): string =>
  [item(rng, depth), ...some(3, () => item(rng, depth), rng)].join(' ');

function item(rng: Rng, depth: number): string {
  const kinds = [
    () => `"${oddText(rng).replaceAll(/["\\\n]/g, '')}"`,
    () => pick(['[a-z]', '[^\\n]', '[é-漢]', '[', '[z-a]', '.', '<[5]>', '!<[7]>', '<none>', '""'], rng),
    () => pick(NAMES, rng),
    () => `(${alternatives(rng, depth - 1)})`,
  ];
  const repeat = pick(
    ['', '', '', '*', '+', '?', '{2}', '{0,3}', '{3,1}', '{999}', '{1999}', '{99999999999}', '{,}'],
    rng,
  );
  return pick(depth > 0 ? kinds : kinds.slice(0, 3), rng)() + repeat;
}

/** One property beyond all measure. */
function large(rng: Rng): Buffer {
  const n = 10 ** (1 + below(6, rng));
  const kinds = [
    () => `root ::= ${'('.repeat(n)}"a"${')'.repeat(n)}`,
    () => `root ::= ${'"a" '.repeat(n)}`,
    () => `root ::= ${'"a" | '.repeat(n)}"b"`,
    () => `root ::= ${'("a" | '.repeat(n)}"b"${')'.repeat(n)}`,
    () =>
      `root ::= r0\n${Array.from({ length: n }, (_, i) => `r${i} ::= r${i + 1}`).join('\n')}\nr${n} ::= "a"`,
    () => `root ::= ${'('.repeat(9)}"a"${'){40}'.repeat(9)}`,
    () => `root ::= ${'[a-z]?'.repeat(n)}`,
    () => `root ::= "${'a'.repeat(n)}"`,
    () => `root ::= root${' root'.repeat(below(9, rng))}`,
    () => `${'# comment\n'.repeat(n)}root ::= "a"`,
  ];
  return Buffer.from(pick(kinds, rng)());
}
