import { ResourceError, UsageError } from '../errors.js';
import type { ShiftEvent } from '../generation/events.js';
import { type ContextPolicy, questionsBefore, withoutOldest } from '../generation/fitting-turns.js';
import { parseSettings } from '../generation/parse-settings.js';
import type { SettingsInput } from '../generation/settings.js';
import { settingsOver } from '../generation/settings-over.js';
import type { ChatMessage } from '../templates/messages.js';
import { withoutCutCharacter } from '../text/begun-text.js';
import { type TextPiece, textOf } from '../text/text-stream.js';
import { CUT_OFF } from '../types.js';
import { bodyOf, fieldsOf, refuseUnheeded, takesWholeAnswers, understands } from './fields.js';
import type { TextServer } from './text-server.js';
import { type ServedEvent, writeServed } from './write.js';

/** The side of the server. Undefined: the server does not tell. */
interface ServedModel {
  readonly model: string | undefined;
  readonly owner: string | undefined;
}

/** What happens in a conversation with a server. */
export type ServedConversationEvent = ServedEvent | ShiftEvent;

/** Seeds are whole numbers below. */
const SEEDS = 2 ** 32;

/**
 * A conversation whose answers a server writes. The server gets all of it with each question. With a seed, each answer has
 * the seed behind that of the answer before.
 */
export class ServedConversation {
  readonly #server: TextServer;
  readonly #there: ServedModel;
  #given: SettingsInput;
  #answers = 0; // since the seed was given
  #messages: readonly ChatMessage[] = [];
  /** The conversation with a question that has no answer yet. */
  #unanswered: readonly ChatMessage[] | undefined;
  /** Answers that came to their end. */
  readonly #whole = new WeakSet<ChatMessage>();
  readonly #policy: ContextPolicy;

  /**
   * @param given the settings that the server is told, all of which it heeds; it decides the others
   * @param policy what happens where the server says that the conversation does not fit into its context
   */
  constructor(server: TextServer, there: ServedModel, given: SettingsInput, policy: ContextPolicy) {
    this.#policy = policy;
    this.#server = server;
    this.#there = there;
    this.#given = given;
  }

  /** Those that are left to the server are undefined. */
  get settings(): SettingsInput {
    return this.#given;
  }

  /** The messages so far, questions and answers in turn. */
  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  set messages(messages: readonly ChatMessage[]) {
    this.#messages = messages;
    this.#unanswered = undefined;
  }

  /** Changes settings from the next answer on. @throws UsageError where one is wrong, or not heeded by the server */
  change(input: SettingsInput): void {
    const given = settingsOver(this.#given, input);
    parseSettings(given);
    const { owner } = this.#there;
    for (const [field, { name }] of fieldsOf(input, owner))
      if (!understands({ owner, isRaw: false }, field)) refuseUnheeded(name, this.#server.url);
    this.#given = given;
    if (input.seed !== undefined) this.#answers = 0;
  }

  /**
   * Answers a question. Then the question and the answer are part of the conversation, even an answer that was stopped or
   * broke off. If there is no word of an answer, the conversation stays as it was, and `retry` asks the question again.
   * @throws what `writeServed` throws
   */
  async *ask(question: string, signal: AbortSignal): AsyncGenerator<ServedConversationEvent, void> {
    this.#unanswered = [...this.#messages, { role: 'user', content: question }];
    yield* this.#answer(this.#unanswered, signal);
  }

  /**
   * Answers the last question once more. An answer that breaks off does not replace one that is there.
   * @throws as `ask`; UsageError where there is no question
   */
  async *retry(signal: AbortSignal): AsyncGenerator<ServedConversationEvent, void> {
    if (!this.#unanswered && this.#messages.at(-1)?.role !== 'assistant')
      throw new UsageError('There is no question yet');
    yield* this.#answer(this.#unanswered ?? this.#messages.slice(0, -1), signal);
  }

  /**
   * Writes on where the last answer was cut off. One that was loaded counts as cut off.
   * @throws as `ask`; UsageError where no answer was cut off, or for a server that is not known to go on with one
   */
  async *continue(signal: AbortSignal): AsyncGenerator<ServedConversationEvent, void> {
    const last = this.#messages.at(-1);
    if (this.#unanswered || last?.role !== 'assistant') throw new UsageError('There is no answer yet');
    if (this.#whole.has(last))
      throw new UsageError('There is nothing to continue: the last answer was not cut off');
    if (!takesWholeAnswers(this.#there.owner))
      throw new UsageError(
        `The server at ${this.#server.url} is not known to go on with an answer, as mtad serve and llama-server do: ask for the rest instead`,
      );
    // Templates trim blank space, which is then written anew, as a broken character is.
    const content = withoutCutCharacter(last.content).trimEnd();
    yield* this.#answer(this.#messages.slice(0, -1), signal, { ...last, content });
  }

  /** Forgets the last question and its answer. @throws UsageError where there is none */
  undo(): void {
    if (!this.#unanswered && this.#messages.at(-1)?.role !== 'assistant')
      throw new UsageError('There is no question yet');
    this.messages = this.#unanswered ? this.#messages : this.#messages.slice(0, -2);
  }

  /**
   * Drops the older half of the questions each time that the server finds the conversation too long, if the policy says so.
   * @param begun what of the answer is written
   */
  async *#answer(
    asked: readonly ChatMessage[],
    signal: AbortSignal,
    begun?: ChatMessage,
  ): AsyncGenerator<ServedConversationEvent, void> {
    const { seed } = this.#given;
    const given = { ...this.#given, ...(seed !== undefined && { seed: (seed + this.#answers) % SEEDS }) };
    this.#answers += 1;
    let turns = asked;
    let dropped = 0;
    const pieces: TextPiece[] = [];
    let end: string | undefined;
    for (;;)
      try {
        for await (const event of this.#events(begun ? [...turns, begun] : turns, given, signal)) {
          if (event.type === 'start' && dropped > 0) yield { type: 'shift', dropped };
          if (event.type === 'text') pieces.push(...event.pieces);
          if (event.type === 'end') end = event.result.finishReason;
          yield event;
        }
        return;
      } catch (error) {
        const older = Math.ceil(questionsBefore(turns) / 2);
        if (!(error instanceof ResourceError) || this.#policy === 'stop' || older === 0) throw error;
        turns = withoutOldest(turns, older);
        dropped += older;
      } finally {
        const isOnly = this.#messages.length < asked.length;
        const hasMore = pieces.length > 0 && (isOnly || begun !== undefined);
        if (end !== undefined || hasMore) this.#keep(turns, pieces, { begun, end });
      }
  }

  #events(
    turns: readonly ChatMessage[],
    given: SettingsInput,
    signal: AbortSignal,
  ): AsyncGenerator<ServedEvent, void> {
    const { model, owner } = this.#there;
    const messages = takesWholeAnswers(owner)
      ? turns
      : turns.map(({ role, content }): ChatMessage => ({ role, content }));
    return writeServed(this.#server, { messages, form: 'chat', model, fields: bodyOf(given, owner) }, signal);
  }

  /** Takes what was written of an answer into the conversation. */
  #keep(
    turns: readonly ChatMessage[],
    pieces: readonly TextPiece[],
    { begun, end = 'interrupted' }: { begun: ChatMessage | undefined; end: string | undefined },
  ): void {
    const written = (isReasoning: boolean) => textOf(pieces.filter((one) => one.isReasoning === isReasoning));
    const [content, thought] = [written(false), written(true).trim()];
    if (content === '' && !begun) return;
    const reasoning = begun?.reasoning ?? thought;
    const answer: ChatMessage = {
      role: 'assistant',
      content: (begun?.content ?? '') + content,
      ...(reasoning && { reasoning }),
    };
    this.messages = [...turns, answer];
    if (!CUT_OFF.has(end)) this.#whole.add(answer);
  }
}
