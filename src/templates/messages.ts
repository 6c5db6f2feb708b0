/** Something said in a conversation. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
  /** What the assistant reasoned before it said so, without the marks around it. What stays of it is the template's to say. */
  readonly reasoning?: string | undefined;
}

/**
 * Messages for a template that has no place for a system message: it stands before the first question, as in llama.cpp.
 * A system message with nothing behind it becomes the question.
 */
export function withoutSystem([first, ...rest]: readonly ChatMessage[]): readonly ChatMessage[] {
  if (first?.role !== 'system') return first ? [first, ...rest] : [];
  const [question, ...others] = rest;
  if (question?.role !== 'user') return [{ role: 'user', content: first.content }, ...rest];
  return [{ ...question, content: `${first.content}\n\n${question.content}` }, ...others];
}
