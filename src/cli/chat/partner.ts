import type { ChalkInstance } from 'chalk';
import type { ShiftEvent } from '../../generation/events.js';
import type { SettingsInput } from '../../generation/settings.js';
import type { ChatMessage } from '../../templates/messages.js';
import type { ShownPiece } from '../render/refused.js';

/** The other side of a conversation: models that are loaded here, or a server. */
export interface Partner {
  /** The messages so far, questions and answers in turn. Another conversation may take their place. */
  messages: readonly ChatMessage[];
  /** The settings of the answers to come. */
  readonly settings: Partial<SettingsInput>;
  /** The word for a setting that is left open. */
  readonly open: string;
  /** @throws UsageError where a setting is wrong, or not heeded */
  change(input: SettingsInput): Promise<void>;
  /** Answers a question. Then the question and what was written of the answer are part of the conversation. */
  ask(question: string, signal: AbortSignal): AsyncIterable<TalkEvent>;
  /** Answers the last question once more. @throws UsageError where there is none */
  retry(signal: AbortSignal): AsyncIterable<TalkEvent>;
  /** Goes on with an answer that was cut off. @throws UsageError where there is none */
  continue(signal: AbortSignal): AsyncIterable<TalkEvent>;
  /** Forgets the last question and its answer. @throws UsageError where there is none */
  undo(): void;
  /** Returns figures of the last answer and of the conversation, in lines. */
  figures(colors: ChalkInstance): Promise<string[]>;
}

/** What happens while an answer is written; the end comes last. */
export type TalkEvent =
  | { readonly type: 'waiting'; readonly what: string }
  | { readonly type: 'reading'; readonly done: number; readonly total: number } // tokens
  | { readonly type: 'notice'; readonly line: string }
  | { readonly type: 'text'; readonly pieces: readonly ShownPiece[] }
  | AnswerEnd;

export interface AnswerEnd {
  readonly type: 'end';
  /** False: no word came, and the conversation is as it was. */
  readonly hasAnswer: boolean;
  /** One line. */
  readonly figures: string;
  /** What an early end has left undone, which the figures tell too; undefined: nothing. */
  readonly cut: string | undefined;
  /** What else the user should know; undefined: nothing. */
  readonly warning: string | undefined;
}

/** The line about questions that were dropped. */
export function shiftNotice({ dropped }: ShiftEvent): string {
  const turns = dropped === 1 ? 'question is' : `${dropped} questions are`;
  return `the context is full: the oldest ${turns} dropped, with what was answered`;
}
