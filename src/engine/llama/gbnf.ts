import { UsageError } from '../../errors.js';
import type { TokenId } from '../../types.js';

/**
 * What llama.cpp's parser bears. It calls itself for every bracket in a bracket, and for every rule that begins with a
 * rule. Brackets and repetitions are rules to it, {m,n} as many as n; text before {m,n} it writes out.
 */
const MOST = { characters: 1_000_000, brackets: 200, rules: 20_000 };

/** Where llama.cpp refuses a count, or takes it for no limit. */
const MOST_TIMES = 2000;

/** What a bracket, a rule or the name of a token may not be looked for in: literals, ranges, comments; and these. */
const PARTS = /"(?:\\.|[^"\\])*"?|(!?)(<[^>]*>)|\[(?:\\.|[^\]\\])*\]?|#[^\r\n]*|::=|[()*+?]|\{[^}]*\}?/gs;

/**
 * llama.cpp cuts a grammar at a NUL character, and a deep one ends the process.
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
}

/** How many rules a part is to llama.cpp, at most. */
function rulesOf(part: string): number {
  if (part.startsWith('{')) return timesOf(part);
  return ['::=', '(', '*', '+', '?'].includes(part) ? 1 : 0;
}

/** The largest number of {n}, {m,} or {m,n}. */
function timesOf(part: string): number {
  return Math.max(1, ...(part.match(/\d+/g) ?? []).map((times) => Math.min(Number(times), MOST_TIMES)));
}

/**
 * The same grammar with its tokens by id. llama.cpp knows `<think>` and `<[1000]>`, and `!` before them for any other;
 * node-llama-cpp hands it no vocabulary to look names up in.
 */
export function withTokenIds(gbnf: string, idOf: (name: string, isExcluded: boolean) => TokenId): string {
  return gbnf.replace(PARTS, (part, not: string | undefined, name: string | undefined) =>
    name === undefined ? part : `${not}<[${idOf(name, not !== '')}]>`,
  );
}

function refuse(problem: string): never {
  throw new UsageError(`The grammar ${problem}`);
}
