import type { ChatTemplate, Rendered, Tokenizer } from '../engine/port.js';
import { UsageError } from '../errors.js';
import type { Pair } from '../models/pair.js';
import type { ChatMessage } from '../templates/messages.js';
import { answerOf, thoughtOf } from '../text/reasoning.js';
import { CUT_OFF, type TokenId } from '../types.js';
import { ChangingSession } from './changing-session.js';
import { refuseLongPrompt, refuseLongTexts } from './context-size.js';
import { type ConversationEvent, type EffectiveSettings, type GenerationResult, joined } from './events.js';
import { type ContextPolicy, fittingTurns, mayDrop } from './fitting-turns.js';
import { loadedAnswer } from './loaded-answer.js';
import { OpenEnd } from './open-end.js';
import { parseSettings } from './parse-settings.js';
import { requireChatTemplate } from './require-chat-template.js';
import type { RunOptions } from './run-options.js';
import type { Session } from './session.js';
import type { SettingsInput } from './settings.js';

/** How to run a conversation. */
export interface ConversationOptions extends RunOptions {
  /**
   * What happens where the conversation fills the context. 'stop' (default): the answer ends, and a question that does not
   * fit is refused. 'shift': the oldest questions and their answers are dropped.
   */
  readonly contextPolicy?: ContextPolicy | undefined;
}

/**
 * A conversation of questions and answers in the target's chat template. The template renders the whole conversation for
 * each question. Both caches stay as they are between questions. As far as the rendered text is the same as before, its
 * tokens stay, and only the new tokens are evaluated. The template decides whether earlier reasoning stays in the text. A
 * stop string is no part of an answer.
 */
export class Conversation {
  readonly #pair: Pair;
  readonly #template: ChatTemplate;
  readonly #run: ConversationOptions;
  readonly #changing: ChangingSession;
  #messages: readonly ChatMessage[] = [];
  /** How the answers were written; those that were written elsewhere are not among them. */
  readonly #results = new WeakMap<ChatMessage, GenerationResult>();
  /** The rendered conversation up to the end of the last answer; undefined = not rendered yet. */
  #written: Rendered | undefined;

  private constructor(
    pair: Pair,
    template: ChatTemplate,
    changing: ChangingSession,
    run: ConversationOptions,
  ) {
    this.#pair = pair;
    this.#template = template;
    this.#changing = changing;
    this.#run = run;
  }

  /** @throws UsageError where the target has no chat template or a setting is wrong; ResourceError */
  static async open(
    pair: Pair,
    input: SettingsInput = {},
    run: ConversationOptions = {},
  ): Promise<Conversation> {
    const settings = parseSettings(input);
    const template = await requireChatTemplate(pair, settings);
    return new Conversation(pair, template, await ChangingSession.open(pair, settings, run, template), run);
  }

  get #session(): Session {
    return this.#changing.current;
  }

  get settings(): EffectiveSettings {
    return this.#session.settings;
  }

  /**
   * Changes settings from the next answer on; those that are not given stay as they are. What both caches hold stays,
   * unless a strategy needs others. Chance goes on, unless a seed is given: an answer that is given once more is another.
   * @throws UsageError where a setting is wrong or an answer is being written; ResourceError
   */
  async change(input: SettingsInput): Promise<void> {
    this.#refuseWhileWriting();
    await this.#changing.change(input);
  }

  /** The tokens of the target. */
  get tokenizer(): Tokenizer {
    return this.#pair.target.tokenizer;
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
    this.#refuseWhileWriting();
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
   * part of the conversation. If there is no word of an answer, neither is. Where the conversation fills the context, its
   * oldest turns go, if the context policy says so: 'shift' tells how many.
   * @throws ResourceError where the conversation no longer fits into the context, UsageError while another question is
   *   answered; the conversation stays as it was
   */
  async *ask(question: string, signal?: AbortSignal): AsyncGenerator<ConversationEvent, void> {
    refuseLongTexts([question.trim()], this.#pair.target.tokenizer, this.#session.contextSize);
    yield* this.#answer([...this.#messages, { role: 'user', content: question }], undefined, signal);
  }

  /**
   * Answers the last question once more, in place of its answer.
   * @throws as `ask`; UsageError where there is no answer
   */
  async *retry(signal?: AbortSignal): AsyncGenerator<ConversationEvent, void> {
    yield* this.#answer(this.#withoutAnswer(), undefined, signal);
  }

  /**
   * Writes on where the last answer was cut off. An answer that was not written here, as that of a conversation that was
   * loaded, counts as cut off.
   * @throws as `ask`; UsageError where there is no answer that was cut off
   */
  async *continue(signal?: AbortSignal): AsyncGenerator<ConversationEvent, void> {
    const turns = this.#withoutAnswer();
    const last = this.#messages.at(-1)!;
    const { tokenizer } = this.#pair.target;
    const begun =
      this.#results.get(last) ??
      (await loadedAnswer(this.#template, tokenizer, turns, last, 'conversation')).answer;
    if (!CUT_OFF.has(begun.finishReason))
      throw new UsageError('There is nothing to continue: the last answer was not cut off');
    yield* this.#answer(turns, begun, signal);
  }

  /**
   * Forgets the last question and its answer.
   * @throws UsageError where there is none, or while an answer is being written
   */
  undo(): void {
    this.messages = this.#withoutAnswer().slice(0, -1);
  }

  /** @param begun what of the answer is written */
  async *#answer(
    asked: readonly ChatMessage[],
    begun: GenerationResult | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ConversationEvent, void> {
    const { contextPolicy: policy = 'stop' } = this.#run;
    let turns = asked;
    let own: GenerationResult | undefined; // of this call
    const shown = new OpenEnd();
    for (;;) {
      const before = begun && own ? joined(begun, own) : (begun ?? own);
      const room = this.#session.contextSize - (before?.tokens.length ?? 0);
      const {
        turns: fitting,
        prompt,
        dropped,
      } = await fittingTurns(this.#template, turns, {
        policy,
        room,
        written: this.#written,
      });
      if (own && prompt.tokens.length >= room) break; // the answer fills the context by itself
      turns = fitting;
      const tokens = [...prompt.tokens, ...(before?.tokens ?? [])];
      refuseLongPrompt(tokens, this.#session.contextSize);
      yield* shown.withoutCharacter();
      if (dropped > 0) yield { type: 'shift', dropped };
      for await (const event of this.#session.write(tokens, signal, before, own?.tokens.length)) {
        if (event.type !== 'end') {
          if (event.type !== 'start' || !own) yield* shown.pass(event);
          continue;
        }
        own = own ? joined(own, event.result) : event.result;
        this.#keep(turns, prompt, begun ? joined(begun, own) : own);
      }
      const isFull = own?.finishReason === 'context';
      if (!isFull || policy === 'stop' || !mayDrop(turns)) break;
    }
    yield* shown.asItIs();
    yield { type: 'end', result: own! };
  }

  /** Takes the answer into the conversation. */
  #keep(turns: readonly ChatMessage[], prompt: Rendered, result: GenerationResult): void {
    const content = answerOf(result);
    if (content === '') return;
    const reasoning = thoughtOf(result, this.#template.reasoning);
    const answer: ChatMessage = { role: 'assistant', content, ...(reasoning && { reasoning }) };
    this.#messages = [...turns, answer];
    this.#results.set(answer, result);
    this.#written = this.#writtenAfter(prompt);
  }

  /** @throws UsageError where the conversation has no answer, or while one is being written */
  #withoutAnswer(): readonly ChatMessage[] {
    this.#refuseWhileWriting();
    if (this.#messages.at(-1)?.role !== 'assistant') throw new UsageError('There is no answer yet');
    return this.#messages.slice(0, -1);
  }

  #refuseWhileWriting(): void {
    if (this.#session.isWriting)
      throw new UsageError(
        'An answer is still being written: read its events to the end, or leave their loop',
      );
  }

  dispose(): Promise<void> {
    return this.#changing.dispose();
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
