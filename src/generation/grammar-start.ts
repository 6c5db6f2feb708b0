import type { ChatTemplate, Grammar, GrammarState, Tokenizer } from '../engine/port.js';
import { UsageError } from '../errors.js';
import { type BegunText, isLike } from '../text/begun-text.js';
import { ReasoningFirst } from '../text/reasoning-first.js';

/** Where in an answer a grammar begins. */
export interface GrammarStart {
  readonly state: GrammarState;
  /** Tokens of the answer that come before: reasoning that was written already. */
  readonly skipped: number;
}

/** The part of an answer that was written before. */
export interface BegunAnswer extends BegunText {
  /** Where its grammar begins, if that was found out before. */
  readonly grammarStart?: GrammarStart | undefined;
}

/**
 * Returns where a grammar begins: behind the reasoning that the template has opened, or that the answer begins with.
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
  if (isLike(state, begun.tokens)) return { state, skipped: 0 };
  const skipped = reasoning ? reasoningIn(begun, reasoning.end, tokenizer) : 0;
  if (isLike(answer, begun.tokens.slice(skipped))) return { state: answer, skipped };
  throw new UsageError('The answer so far is not what the grammar allows, so it cannot go on');
}

/** Returns the number of tokens up to the answer: the reasoning, its mark and the blank space behind it. */
function reasoningIn({ tokens }: BegunText, mark: string, tokenizer: Tokenizer): number {
  for (let count = tokens.length; count > 0; count -= 1) {
    const behind = tokenizer.decode(tokens.slice(0, count), [], true).split(mark)[1];
    if (behind?.trim() === '') return count;
  }
  return 0;
}
