import type { ChatTemplate, Grammar, GrammarState, Tokenizer } from '../engine/port.js';
import { ReasoningFirst } from '../text/reasoning-first.js';

/** Returns the state of a grammar where an answer begins, with the reasoning first that the template has opened. */
export function grammarStart(
  grammar: Grammar,
  template: ChatTemplate | undefined,
  tokenizer: Tokenizer,
): GrammarState {
  const answer = grammar.start();
  const { reasoning, endTokens } = template ?? {};
  if (!reasoning?.isOpen) return answer;
  const isEnd = (token: number) => tokenizer.isEndOfGeneration(token) || !!endTokens?.has(token);
  return new ReasoningFirst({ answer, mark: reasoning.end, isEnd, tokenizer });
}
