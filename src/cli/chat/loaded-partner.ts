import type { ChalkInstance } from 'chalk';
import type { Conversation } from '../../generation/conversation.js';
import type {
  ConversationEvent,
  EffectiveSettings,
  GenerationResult,
  KnownCosts,
} from '../../generation/events.js';
import type { SettingsInput } from '../../generation/settings.js';
import type { History } from '../../models/history.js';
import type { ChatMessage } from '../../templates/messages.js';
import { answerOf } from '../../text/reasoning.js';
import { cutNotice } from '../cut-notice.js';
import { driftToldOnce } from '../drift-notice.js';
import { answerStats } from '../render/chat-stats.js';
import { refusedText, withRefused } from '../render/refused.js';
import { statsText } from '../render/stats.js';
import { type Partner, shiftNotice, type TalkEvent } from './partner.js';

/** An answer, and what it was written on. */
interface Answer {
  readonly promptTokens: number;
  readonly result: GenerationResult;
  readonly costs: KnownCosts | undefined;
}

/** Models that are loaded here. */
export class LoadedPartner implements Partner {
  readonly open = 'none';
  readonly #conversation: Conversation;
  readonly #showsRefused: boolean;
  readonly #driftToTell: ReturnType<typeof driftToldOnce>;
  #last: Answer | undefined;

  /**
   * @param showsRefused whether the texts have the guesses that were refused among them
   * @param history keeps what is written; undefined: nothing does
   */
  constructor(
    conversation: Conversation,
    { showsRefused, history }: { readonly showsRefused: boolean; readonly history?: History | undefined },
  ) {
    this.#conversation = conversation;
    this.#driftToTell = driftToldOnce(history);
    this.#showsRefused = showsRefused;
  }

  get messages(): readonly ChatMessage[] {
    return this.#conversation.messages;
  }

  set messages(messages: readonly ChatMessage[]) {
    this.#conversation.messages = messages;
  }

  get settings(): EffectiveSettings {
    return this.#conversation.settings;
  }

  change(input: SettingsInput): Promise<void> {
    return this.#conversation.change(input);
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
    const { settings, messages } = this.#conversation;
    const lines = this.#last
      ? [statsText({ settings, ...this.#last }, this.#last.result, colors).trimEnd()]
      : [];
    const { tokens, contextSize } = await this.#conversation.size();
    const { evaluated } = this.#last?.result ?? {};
    const read = evaluated
      ? `; of the last question ${evaluated.target} tokens were new to the target, ${evaluated.draft} to the draft model`
      : '';
    return [...lines, `conversation: ${messages.length} messages, ${tokens} of ${contextSize} tokens${read}`];
  }

  async *#told(events: AsyncIterable<ConversationEvent>): AsyncGenerator<TalkEvent, void> {
    const { settings, tokenizer } = this.#conversation;
    let [promptTokens, contextSize] = [0, 0];
    let refused = '';
    let costs: KnownCosts | undefined;
    for await (const event of events) {
      if (event.type === 'start') {
        promptTokens = event.promptTokens.length;
        contextSize = event.contextSize;
        this.#last = undefined;
      }
      if (event.type === 'shift') yield { type: 'notice', line: shiftNotice(event) };
      if (event.type === 'costs') costs = event.costs;
      if (event.type === 'prefill') yield { type: 'reading', done: event.done, total: event.total };
      if (event.type === 'step' && this.#showsRefused) refused = refusedText(event.step, tokenizer);
      if (event.type === 'text') {
        yield { type: 'text', pieces: withRefused(event.pieces, refused) };
        refused = '';
      }
      if (event.type !== 'end') continue;
      const { result } = event;
      this.#last = { promptTokens, result, costs };
      yield {
        type: 'end',
        hasAnswer: answerOf(result) !== '',
        figures: answerStats({ settings, promptTokens }, result),
        cut: cutNotice(result, { ...settings, contextSize }),
        warning: await this.#driftToTell(result),
      };
    }
  }
}
