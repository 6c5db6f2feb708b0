import { UsageError } from '../../errors.js';
import type { TokenId } from '../../types.js';
import type { Grammar, GrammarSource, GrammarState } from '../port.js';
import type { Complaints } from './complaints.js';
import { checkGbnf, withTokenIds } from './gbnf.js';
import { gbnfOfSchema } from './schema-grammar.js';
import { isControlToken, type Vocabulary } from './vocabulary.js';

/** A position in a text of a grammar, as llama.cpp keeps it. It never changes. */
export interface NativePosition {
  /** Whether the token's name may come next; for an end token: whether the text is complete. */
  allows(token: TokenId): boolean;
  /** @returns the position after a token that is allowed, and ends no text; llama.cpp does not survive another */
  after(token: TokenId): NativePosition;
}

/**
 * Reads a grammar by llama.cpp.
 * @returns a function that begins a text
 * @throws Error when llama.cpp cannot read it
 */
export type ReadGrammar = (gbnf: string) => Promise<() => NativePosition>;

/**
 * @returns the grammar in the tokens of this vocabulary
 * @throws UsageError when llama.cpp cannot read the grammar, or the grammar needs a token that no text of this model has
 */
export async function createGrammar(
  vocabulary: Vocabulary,
  source: GrammarSource,
  read: ReadGrammar,
  complaints: Complaints,
): Promise<Grammar> {
  const idOf = (name: string, isExcluded: boolean) => tokenNamed(vocabulary, name, isExcluded);
  const begin = await readGrammar(source, read, complaints, idOf);
  return { start: () => new LlamaGrammarState(vocabulary, begin()) };
}

/** llama.cpp logs this after a syntax error. The error itself goes straight to standard error, where it cannot be caught. */
const UNSAID = 'failed to parse grammar';

/**
 * @param idOf gives the id of a token that the grammar names; without a model any id will do
 * @throws UsageError when llama.cpp cannot read the grammar
 */
export async function readGrammar<T>(
  source: GrammarSource,
  read: (gbnf: string) => Promise<T>,
  complaints: Complaints,
  idOf: (name: string, isExcluded: boolean) => TokenId = () => 0,
): Promise<T> {
  complaints.clear();
  try {
    const text = 'gbnf' in source ? source.gbnf : await gbnfOfSchema(source.jsonSchema);
    checkGbnf(text);
    return await read(withTokenIds(text, idOf));
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const reason = await complaints.summary(cause);
    const where = reason === UNSAID ? '; it has said why on its own, before this line' : '';
    throw new UsageError(`llama.cpp cannot read the grammar: ${reason}${where}`, { cause });
  }
}

/**
 * @returns the token that a grammar names by `<text>` or `<[id]>`
 * @param isExcluded whether the grammar means any other token
 * @throws UsageError when there is no such token, or it is a control token, which no text contains
 */
function tokenNamed(vocabulary: Vocabulary, name: string, isExcluded: boolean): TokenId {
  const [, id] = /^<\[(\d+)\]>$/.exec(name) ?? [];
  const [token, ...more] = id === undefined ? vocabulary.tokenize(name, true) : [Number(id)];
  if (token === undefined || more.length > 0 || token >= vocabulary.size)
    throw new UsageError(`The grammar names ${name}, which is no token of this model`);
  if (!isExcluded && !isWritten(vocabulary, token))
    throw new UsageError(
      `The grammar names ${name}, a control token, and these are never written; a text ends where its grammar is complete`,
    );
  return token;
}

/**
 * Milliseconds for one token after which a grammar is given up: of the clock and of the processor, since a process may sleep
 * or do other work. In some grammars the ways to go on double with each token, as in `root ::= "(" root ")" | "(" root "]"`,
 * and llama.cpp's time for a token grows fourfold. It cannot be interrupted, so the next token but one would seem to take for
 * ever.
 */
const MOST_MS = 3000;

class LlamaGrammarState implements GrammarState {
  readonly #vocabulary: Vocabulary;
  readonly #position: NativePosition;
  readonly #known = new Map<TokenId, boolean>(); // target and draft ask about much the same tokens

  constructor(vocabulary: Vocabulary, position: NativePosition) {
    this.#vocabulary = vocabulary;
    this.#position = position;
  }

  get isComplete(): boolean {
    return this.#vocabulary.ends.some((token) => this.allows(token));
  }

  allows(token: TokenId): boolean {
    const known = this.#known.get(token);
    if (known !== undefined) return known;
    const allowed =
      token < this.#vocabulary.size && // llama.cpp ends the process over a token that it does not have
      this.#position.allows(token) &&
      (isWritten(this.#vocabulary, token) || this.#vocabulary.isEndOfGeneration(token));
    this.#known.set(token, allowed);
    return allowed;
  }

  after(token: TokenId): GrammarState {
    if (this.#vocabulary.isEndOfGeneration(token) || !this.allows(token)) return NOWHERE;
    const [started, before] = [performance.now(), process.cpuUsage()];
    const next = new LlamaGrammarState(this.#vocabulary, this.#position.after(token));
    const ms = Math.min(performance.now() - started, process.cpuUsage(before).user / 1000);
    if (ms > MOST_MS) throw new UsageError(tooManyWays(ms));
    return next;
  }
}

function tooManyWays(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `The grammar has so many ways to go on behind this text that one token took ${seconds} s, and the next would take longer; write once, before the alternatives, what they begin with`;
}

/** llama.cpp's grammar takes a control token for the text of its name, such as <|im_start|>; in the output it has no text. */
function isWritten(vocabulary: Vocabulary, token: TokenId): boolean {
  return !isControlToken(vocabulary, token) && !vocabulary.isEndOfGeneration(token);
}

/** The position after the end. Tokens that are read there belong to no text. */
const NOWHERE: GrammarState = { isComplete: true, allows: () => true, after: () => NOWHERE };
