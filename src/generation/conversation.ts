import type { ChatTemplate, Rendered } from '../engine/port.js';
import { UsageError } from '../errors.js';
import type { Pair } from '../models/pair.js';
import type { ChatMessage } from '../templates/messages.js';
import { answerOf, thoughtOf } from '../text/reasoning.js';
import type { TokenId } from '../types.js';
import { refuseLongTexts } from './context-size.js';
import type { EffectiveSettings, GenerationEvent } from './events.js';
import { requireChatTemplate } from './require-chat-template.js';
import type { RunOptions } from './run-options.js';
import { Session } from './session.js';
import { parseSettings, type SettingsInput } from './settings.js';

/**
 * Questions and answers, in the target's chat template, which writes the whole anew each time. Between them both caches
 * stay as they are: as far as it writes what stands there, the tokens stay as they were written, and only what is new is
 * evaluated. Whether it keeps what a model reasoned is the template's to say. A stop string is no part of an answer.
 */
export class Conversation {
  readonly #pair: Pair;
  readonly #template: ChatTemplate;
  readonly #session: Session;
  #messages: readonly ChatMessage[] = [];
  /** The conversation as it was written, up to where the last answer ends; undefined = it was not. */
  #written: Rendered | undefined;

  private constructor(pair: Pair, template: ChatTemplate, session: Session) {
    this.#pair = pair;
    this.#template = template;
    this.#session = session;
  }

  /** @throws UsageError where the target has no chat template or a setting is wrong; ResourceError */
  static async open(pair: Pair, input: SettingsInput = {}, run: RunOptions = {}): Promise<Conversation> {
    const settings = parseSettings(input);
    const template = await requireChatTemplate(pair, settings);
    return new Conversation(pair, template, await Session.open(pair, settings, run, template));
  }

  get settings(): EffectiveSettings {
    return this.#session.settings;
  }

  /** How the messages are put into tokens. */
  get template(): ChatTemplate {
    return this.#template;
  }

  /** What was said. */
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
    this.#written = undefined;
  }

  /** Tokens of the conversation so far, and how many it can have. */
  async size(): Promise<{ readonly tokens: number; readonly contextSize: number }> {
    const isEmpty = this.#messages.length === 0;
    const { tokens } =
      this.#written ?? (isEmpty ? { tokens: [] } : await this.#template.encode(this.#messages));
    return { tokens: tokens.length, contextSize: this.#session.contextSize };
  }

  /**
   * Answers. The events are those of `generate`; question and answer, as far as it came, are then part of the
   * conversation. Without a word of an answer neither is.
   * @throws ResourceError when the conversation no longer fits into the context, UsageError while it
   *   answers another question; it is as before
   */
  async *ask(question: string, signal?: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    refuseLongTexts([question.trim()], this.#pair.target.tokenizer, this.#session.contextSize);
    const messages: ChatMessage[] = [...this.#messages, { role: 'user', content: question }];
    const prompt = await this.#template.encode(messages, this.#written);
    for await (const event of this.#session.write(prompt.tokens, signal)) {
      const content = event.type === 'end' ? answerOf(event.result) : '';
      if (event.type === 'end' && content !== '') {
        const reasoning = thoughtOf(event.result, this.#template.reasoning);
        this.#messages = [...messages, { role: 'assistant', content, ...(reasoning && { reasoning }) }];
        this.#written = this.#writtenAfter(prompt);
      }
      yield event;
    }
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }

  #writtenAfter({ text, tokens: before }: Rendered): Rendered {
    const tokens = this.#withoutEnd(this.#session.tokens);
    const { tokenizer } = this.#pair.target;
    return { text: text + tokenizer.decode(tokens.slice(before.length), before.slice(-4), true), tokens };
  }

  /** The template itself writes the token that ends an answer. */
  #withoutEnd(tokens: readonly TokenId[]): readonly TokenId[] {
    const last = tokens.at(-1)!;
    const isEnd = this.#pair.target.tokenizer.isEndOfGeneration(last) || this.#template.endTokens.has(last);
    return isEnd ? tokens.slice(0, -1) : [...tokens];
  }
}
