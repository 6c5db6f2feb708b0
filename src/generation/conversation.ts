import type { ChatMessage, ChatTemplate } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import type { Pair } from '../models/pair.js';
import type { TokenId } from '../types.js';
import { answerOf } from './reasoning.js';
import { requireChatTemplate } from './require-chat-template.js';
import type { RunOptions } from './run-options.js';
import { type EffectiveSettings, type GenerationEvent, Session } from './session.js';
import { parseSettings, type SettingsInput } from './settings.js';

/**
 * Questions and answers, in the target's chat template. Between them both caches stay as they are: the next question
 * stands behind the tokens of the last answer as they were written, so that only what is new is evaluated. What a model
 * reasoned is no part of the conversation, nor is a stop string: an answer with either is read once more without.
 */
export class Conversation {
  readonly #pair: Pair;
  readonly #template: ChatTemplate;
  readonly #session: Session;
  #messages: readonly ChatMessage[] = [];
  /** The messages as tokens, up to where the last answer ends; undefined = they stand nowhere so. */
  #text: readonly TokenId[] | undefined;

  private constructor(pair: Pair, template: ChatTemplate, session: Session) {
    this.#pair = pair;
    this.#template = template;
    this.#session = session;
  }

  /** @throws UsageError where the target has no chat template or a setting is wrong; ResourceError */
  static async open(pair: Pair, input: SettingsInput = {}, run: RunOptions = {}): Promise<Conversation> {
    const template = requireChatTemplate(pair);
    return new Conversation(pair, template, await Session.open(pair, parseSettings(input), run, template));
  }

  get settings(): EffectiveSettings {
    return this.#session.settings;
  }

  /** What was said, reasoning excepted. */
  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  /**
   * Another conversation in place of this one. What both begin with stays in the caches.
   * @throws UsageError while an answer is being written
   */
  set messages(messages: readonly ChatMessage[]) {
    if (this.#session.isWriting)
      throw new UsageError(
        'An answer is still being written: read its events to the end, or leave their loop',
      );
    this.#messages = messages;
    this.#text = undefined;
  }

  /** Tokens of the conversation so far, and how many it can have. */
  get size(): { readonly tokens: number; readonly contextSize: number } {
    const isEmpty = this.#messages.length === 0;
    const text = this.#text ?? (isEmpty ? [] : this.#template.encode(this.#messages));
    return { tokens: text.length, contextSize: this.#session.contextSize };
  }

  /**
   * Answers. The events are those of `generate`; question and answer, as far as it came, are then part of the
   * conversation. Without a word of an answer neither is.
   * @throws ResourceError when the conversation no longer fits into the context, UsageError while it
   *   answers another question; it is as before
   */
  async *ask(question: string, signal?: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    const messages: ChatMessage[] = [...this.#messages, { role: 'user', content: question }];
    for await (const event of this.#session.write(this.#promptOf(messages), signal)) {
      const content = event.type === 'end' ? answerOf(event.result) : '';
      if (event.type === 'end' && content !== '') {
        const { result } = event;
        this.#messages = [...messages, { role: 'assistant', content }];
        const isAsWritten = result.finishReason !== 'stop' && !result.reasoning;
        this.#text = isAsWritten ? this.#withoutEnd(this.#session.tokens) : undefined;
      }
      yield event;
    }
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }

  #promptOf(messages: readonly ChatMessage[]): readonly TokenId[] {
    return this.#text
      ? [...this.#text, ...this.#template.encodeAfterAnswer(messages)]
      : this.#template.encode(messages);
  }

  /** The template itself writes the token that ends an answer. */
  #withoutEnd(tokens: readonly TokenId[]): readonly TokenId[] {
    const last = tokens.at(-1)!;
    const isEnd = this.#pair.target.tokenizer.isEndOfGeneration(last) || this.#template.endTokens.has(last);
    return isEnd ? tokens.slice(0, -1) : [...tokens];
  }
}
