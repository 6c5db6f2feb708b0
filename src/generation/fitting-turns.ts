import type { ChatTemplate, Rendered } from '../engine/port.js';
import type { ChatMessage } from '../templates/messages.js';

/** What happens where a conversation fills the context. */
export type ContextPolicy = 'stop' | 'shift';

/** Turns of a conversation whose prompt was rendered. */
export interface FittingTurns {
  readonly turns: readonly ChatMessage[];
  readonly prompt: Rendered;
  /** Number of questions that were dropped, each with its answer. */
  readonly dropped: number;
}

/**
 * Returns turns that end with a question, without the oldest ones where the prompt of all does not fit. Then the prompt takes
 * half of the room at most, if it can, so that not every answer begins with reading all of it anew.
 * @param room tokens that the prompt must stay below
 * @param written what of the prompt is in tokens already
 */
export async function fittingTurns(
  template: ChatTemplate,
  asked: readonly ChatMessage[],
  { policy, room, written }: { policy: ContextPolicy; room: number; written: Rendered | undefined },
): Promise<FittingTurns> {
  let turns = asked;
  let prompt = await template.encode(turns, written);
  if (policy === 'stop' || prompt.tokens.length < room) return { turns, prompt, dropped: 0 };
  let dropped = 0;
  while (prompt.tokens.length > room / 2 && mayDrop(turns)) {
    turns = withoutOldest(turns, 1);
    dropped += 1;
    prompt = await template.encode(turns);
  }
  return { turns, prompt, dropped };
}

/** Whether there is a question before the last one. */
export function mayDrop(turns: readonly ChatMessage[]): boolean {
  return questionsBefore(turns) > 0;
}

/** Number of questions before the last one. */
export function questionsBefore(turns: readonly ChatMessage[]): number {
  return Math.ceil((turns.length - firstOf(turns) - 1) / 2);
}

/** Returns turns without the oldest questions and their answers. */
export function withoutOldest(turns: readonly ChatMessage[], questions: number): readonly ChatMessage[] {
  const first = firstOf(turns);
  return [...turns.slice(0, first), ...turns.slice(first + 2 * questions)];
}

/** The number of the first message that is no system text. */
function firstOf([message]: readonly ChatMessage[]): number {
  return message?.role === 'system' ? 1 : 0;
}
