/** A message of a conversation. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
  /** The assistant's reasoning before the message, without its marks. The template decides how much of it stays. */
  readonly reasoning?: string | undefined;
}

/**
 * @returns the messages for a template without a place for a system message. It is written before the first question, as in
 *   llama.cpp. A system message without a question becomes the question
 */
export function withoutSystem([first, ...rest]: readonly ChatMessage[]): readonly ChatMessage[] {
  if (first?.role !== 'system') return first ? [first, ...rest] : [];
  const [question, ...others] = rest;
  if (question?.role !== 'user') return [{ role: 'user', content: first.content }, ...rest];
  return [{ ...question, content: `${first.content}\n\n${question.content}` }, ...others];
}
