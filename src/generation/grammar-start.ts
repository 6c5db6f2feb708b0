import type { ChatTemplate, Grammar, GrammarState, Tokenizer } from '../engine/port.js';
import { UsageError } from '../errors.js';
import { type BegunText, isLike } from '../text/begun-text.js';
import { ReasoningFirst } from '../text/reasoning-first.js';
import type { TokenId } from '../types.js';

/** Where in its grammar an answer goes on. */
export interface GrammarStart {
  readonly state: GrammarState;
  /** Tokens of the answer that come before the state: all that were written already. */
  readonly skipped: number;
}

/** The part of an answer that was written before. */
export interface BegunAnswer extends BegunText {
  /** Where in its grammar it goes on, if that was found out before. */
  readonly grammarStart?: GrammarStart | undefined;
}

/**
 * Returns where in its grammar an answer goes on. The grammar begins behind the reasoning that the template has opened, or
 * that the answer begins with.
 * @throws UsageError for the beginning of an answer that the grammar does not allow
 */
export function grammarStart(
  grammar: Grammar,
  template: ChatTemplate | undefined,
  tokenizer: Tokenizer,
  begun: BegunText,
): GrammarStart {
  const answer = grammar.start();
  const { reasoning, endTokens } = template ?? {};
  const isEnd = (token: number) => tokenizer.isEndOfGeneration(token) || !!endTokens?.has(token);
  const state = reasoning?.isOpen
    ? new ReasoningFirst({ answer, mark: reasoning.end, isEnd, tokenizer })
    : answer;
  if (isLike(state, begun.tokens)) return startBehind(state, begun.tokens, begun);
  const answered = begun.tokens.slice(reasoning ? reasoningIn(begun, reasoning.end, tokenizer) : 0);
  if (isLike(answer, answered)) return startBehind(answer, answered, begun);
  throw new UsageError('The answer so far is not what the grammar allows, so it cannot go on');
}

function startBehind(start: GrammarState, tokens: readonly TokenId[], begun: BegunText): GrammarStart {
  return { state: tokens.reduce((state, token) => state.after(token), start), skipped: begun.tokens.length };
}

/** Returns the number of tokens up to the answer: the reasoning, its mark and the blank space behind it. */
function reasoningIn({ tokens }: BegunText, mark: string, tokenizer: Tokenizer): number {
  for (let count = tokens.length; count > 0; count -= 1) {
    const behind = tokenizer.decode(tokens.slice(0, count), [], true).split(mark)[1];
    if (behind?.trim() === '') return count;
  }
  return 0;
}
