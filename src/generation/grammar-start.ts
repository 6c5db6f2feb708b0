import type { ChatTemplate, Grammar, GrammarState, Tokenizer } from '../engine/port.js';
import { UsageError } from '../errors.js';
import { type BegunText, stateBehind } from '../text/begun-text.js';
import { ReasoningFirst } from '../text/reasoning-first.js';

/** The part of an answer that was written before. */
export interface BegunAnswer extends BegunText {
  /** Where in its grammar it goes on, if that was found out before. */
  readonly grammarStart?: GrammarState | undefined;
}

/**
 * Returns the state of a grammar in which an answer goes on. The grammar begins behind the reasoning that the template has opened, or
 * that the answer begins with.
 * @throws UsageError for the beginning of an answer that the grammar does not allow
 */
export function grammarStart(
  grammar: Grammar,
  template: ChatTemplate | undefined,
  tokenizer: Tokenizer,
  begun: BegunText,
): GrammarState {
  const answer = grammar.start();
  const { reasoning, endTokens } = template ?? {};
  const isEnd = (token: number) => tokenizer.isEndOfGeneration(token) || !!endTokens?.has(token);
  const state = reasoning?.isOpen
    ? new ReasoningFirst({ answer, mark: reasoning.end, isEnd, tokenizer })
    : answer;
  const whole = stateBehind(state, begun.tokens);
  if (whole) return whole;
  const answered = begun.tokens.slice(reasoning ? reasoningIn(begun, reasoning.end, tokenizer) : 0);
  const behind = stateBehind(answer, answered);
  if (behind) return behind;
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
