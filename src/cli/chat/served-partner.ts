import type { ChalkInstance } from 'chalk';
import type { ServedConversation, ServedConversationEvent } from '../../client/served-conversation.js';
import type { ServedResult } from '../../client/write.js';
import { type SettingsInput, UNLIMITED } from '../../generation/settings.js';
import type { ChatMessage } from '../../templates/messages.js';
import { answerOf } from '../../text/reasoning.js';
import { type ServedRun, servedCutNotice, servedFigures, servedStats } from '../served/result.js';
import { type Partner, shiftNotice, type TalkEvent } from './partner.js';

/** A server. */
export class ServedPartner implements Partner {
  readonly open = "the server's";
  readonly #conversation: ServedConversation;
  readonly #run: Pick<ServedRun, 'url' | 'model'>;
  #last: ServedResult | undefined;

  constructor(conversation: ServedConversation, run: Pick<ServedRun, 'url' | 'model'>) {
    this.#conversation = conversation;
    this.#run = run;
  }

  get messages(): readonly ChatMessage[] {
    return this.#conversation.messages;
  }

  set messages(messages: readonly ChatMessage[]) {
    this.#conversation.messages = messages;
  }

  get settings(): SettingsInput {
    return this.#conversation.settings;
  }

  async change(input: SettingsInput): Promise<void> {
    this.#conversation.change(input);
  }

  ask(question: string, signal: AbortSignal): AsyncIterable<TalkEvent> {
    return this.#told(this.#conversation.ask(question, signal));
  }

  retry(signal: AbortSignal): AsyncIterable<TalkEvent> {
    return this.#told(this.#conversation.retry(signal));
  }

  continue(signal: AbortSignal): AsyncIterable<TalkEvent> {
    return this.#told(this.#conversation.continue(signal));
  }

  undo(): void {
    this.#conversation.undo();
  }

  async figures(colors: ChalkInstance): Promise<string[]> {
    const lines = this.#last ? [servedStats(this.#run, this.#last, colors).trimEnd()] : [];
    return [...lines, `conversation: ${this.messages.length} messages, with ${this.#run.url}`];
  }

  async *#told(events: AsyncIterable<ServedConversationEvent>): AsyncGenerator<TalkEvent, void> {
    const { maxTokens = UNLIMITED } = this.settings;
    yield { type: 'waiting', what: `Waiting for ${new URL(this.#run.url).host}` };
    this.#last = undefined;
    for await (const event of events) {
      if (event.type === 'shift') yield { type: 'notice', line: shiftNotice(event) };
      if (event.type === 'text') yield event;
      if (event.type !== 'end') continue;
      const { result } = event;
      this.#last = result;
      yield {
        type: 'end',
        hasAnswer: answerOf(result) !== '',
        figures: servedFigures(result),
        cut: servedCutNotice(result, maxTokens),
        warning: undefined,
      };
    }
  }
}
