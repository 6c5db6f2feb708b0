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
 * A conversation of questions and answers in the target's chat template. The template renders the whole conversation for
 * each question. Both caches stay as they are between questions. As far as the rendered text is the same as before, its
 * tokens stay, and only the new tokens are evaluated. The template decides whether earlier reasoning stays in the text. A
 * stop string is no part of an answer.
 */
export class Conversation {
  readonly #pair: Pair;
  readonly #template: ChatTemplate;
  readonly #session: Session;
  #messages: readonly ChatMessage[] = [];
  /** The rendered conversation up to the end of the last answer; undefined = not rendered yet. */
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

  /** The chat template that turns the messages into tokens. */
  get template(): ChatTemplate {
    return this.#template;
  }

  /** The messages so far, questions and answers in turn. */
  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  /**
   * Replaces the conversation by another one. Their common beginning stays in the caches.
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

  /** Returns the number of tokens of the conversation so far, and the most that it can have. */
  async size(): Promise<{ readonly tokens: number; readonly contextSize: number }> {
    const isEmpty = this.#messages.length === 0;
    const { tokens } =
      this.#written ?? (isEmpty ? { tokens: [] } : await this.#template.encode(this.#messages));
    return { tokens: tokens.length, contextSize: this.#session.contextSize };
  }

  /**
   * Answers a question and yields the events of `generate`. Then the question and the answer, even an unfinished one, are
   * part of the conversation. If there is no word of an answer, neither is.
   * @throws ResourceError where the conversation no longer fits into the context, UsageError while another question is
   *   answered; the conversation stays as it was
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

  /** Leaves out the token that ends an answer, since the template writes it. */
  #withoutEnd(tokens: readonly TokenId[]): readonly TokenId[] {
    const last = tokens.at(-1)!;
    const isEnd = this.#pair.target.tokenizer.isEndOfGeneration(last) || this.#template.endTokens.has(last);
    return isEnd ? tokens.slice(0, -1) : [...tokens];
  }
}
