import { UsageError } from '../errors.js';
import type { TokenId } from '../types.js';

/** What llama.cpp's parser bears: it calls itself for every bracket in a bracket, and for every rule that begins with a rule. */
const MOST = { characters: 1_000_000, rules: 10_000, brackets: 200 };

/** What a bracket, a rule or the name of a token may not be looked for in: literals, ranges, comments; and these. */
const PARTS = /"(?:\\.|[^"\\])*"?|(!?)(<[^>]*>)|\[(?:\\.|[^\]\\])*\]?|#[^\r\n]*|::=|[()]/gs;

/**
 * llama.cpp cuts a grammar at a NUL character, and a deep one ends the process.
 * @throws UsageError
 */
export function checkGbnf(gbnf: string): void {
  if (gbnf.length > MOST.characters) refuse(`is longer than ${MOST.characters} characters`);
  if (gbnf.includes('\0')) refuse('has a NUL character, where llama.cpp would stop reading');
  let [rules, open] = [0, 0];
  for (const [part] of gbnf.matchAll(PARTS)) {
    if (part === '::=') rules++;
    if (part === '(') open++;
    if (part === ')') open--;
    if (rules > MOST.rules) refuse(`has more than ${MOST.rules} rules`);
    if (open > MOST.brackets)
      refuse(`nests brackets deeper than ${MOST.brackets}; give what is inside a rule of its own`);
  }
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
