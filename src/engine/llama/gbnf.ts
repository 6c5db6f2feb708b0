import { UsageError } from '../../errors.js';
import type { TokenId } from '../../types.js';
import { checkWays } from './gbnf-ways.js';

/**
 * Bounds of llama.cpp's parser. It calls itself for each nested bracket, and for each rule that begins with a rule. It
 * makes one rule of each bracket and repetition, and n rules of {m,n}; it copies the text before {m,n} n times.
 */
const MOST = { characters: 1_000_000, brackets: 200, rules: 20_000 };

/** From this count on llama.cpp refuses a repetition, or takes it for unlimited. */
const MOST_TIMES = 2000;

/** What a bracket, a rule or the name of a token may not be looked for in: literals, ranges, comments; and these. */
const PARTS = /"(?:\\.|[^"\\])*"?|(!?)(<[^>]*>)|\[(?:\\.|[^\]\\])*\]?|#[^\r\n]*|::=|[()*+?]|\{[^}]*\}?/gs;

/**
 * Refuses grammars that llama.cpp misreads or cannot hold: it cuts a text at a NUL character, a deep grammar ends the
 * process, and one of very many ways takes for ever.
 * @throws UsageError
 */
export function checkGbnf(gbnf: string): void {
  if (gbnf.length > MOST.characters) refuse(`is longer than ${MOST.characters} characters`);
  if (gbnf.includes('\0')) refuse('has a NUL character, where llama.cpp would stop reading');
  let [characters, rules, open] = [gbnf.length, 0, 0];
  let [text, end] = ['', 0]; // of the last literal or range
  for (const { 0: part, index } of gbnf.matchAll(PARTS)) {
    const isOfText = part.startsWith('{') && gbnf.slice(end, index).trim() === '';
    if (isOfText) characters += text.length * timesOf(part);
    else rules += rulesOf(part);
    if (part.startsWith('{')) checkTimes(part);
    if (/^["[]/.test(part)) [text, end] = [part, index + part.length];
    if (part === '(') open++;
    if (part === ')') open--;
    if (characters > MOST.characters)
      refuse(`is longer than ${MOST.characters} characters where its repetitions are written out`);
    if (rules > MOST.rules)
      refuse(`has more than ${MOST.rules} rules, brackets and repetitions, where {m,n} counts n times`);
    if (open > MOST.brackets)
      refuse(`nests brackets deeper than ${MOST.brackets}; give what is inside a rule of its own`);
  }
  checkWays(gbnf);
}

/** Of {3,1} llama.cpp would make rules without end. */
function checkTimes(part: string): void {
  const [least, most = Infinity] = (part.match(/\d+/g) ?? []).map(Number);
  if (least !== undefined && least > most) refuse(`has ${part}, at least ${least} times and at most ${most}`);
}

/** @returns the most rules that llama.cpp makes of a part */
function rulesOf(part: string): number {
  if (part.startsWith('{')) return timesOf(part);
  return ['::=', '(', '*', '+', '?'].includes(part) ? 1 : 0;
}

/** @returns the largest number in {n}, {m,} or {m,n} */
function timesOf(part: string): number {
  return Math.max(1, ...(part.match(/\d+/g) ?? []).map((times) => Math.min(Number(times), MOST_TIMES)));
}

/**
 * @returns the same grammar with its tokens by id. llama.cpp knows `<think>` and `<[1000]>`, and `!` before them for any
 *   other token; but without a vocabulary, as node-llama-cpp reads it, there is nothing in which to find the names
 */
export function withTokenIds(gbnf: string, idOf: (name: string, isExcluded: boolean) => TokenId): string {
  return gbnf.replace(PARTS, (part, not: string | undefined, name: string | undefined) =>
    name === undefined ? part : `${not}<[${idOf(name, not !== '')}]>`,
  );
}

function refuse(problem: string): never {
  throw new UsageError(`The grammar ${problem}`);
}
