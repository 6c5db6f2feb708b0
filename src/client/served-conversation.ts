import { UsageError } from '../errors.js';
import { parseSettings } from '../generation/parse-settings.js';
import type { SettingsInput } from '../generation/settings.js';
import { settingsOver } from '../generation/settings-over.js';
import type { ChatMessage } from '../templates/messages.js';
import { type TextPiece, textOf } from '../text/text-stream.js';
import { bodyOf, fieldsOf, refuseUnheeded, takesReasoning, understands } from './fields.js';
import type { TextServer } from './text-server.js';
import { type ServedEvent, writeServed } from './write.js';

/** The side of the server. Undefined: the server does not tell. */
interface ServedModel {
  readonly model: string | undefined;
  readonly owner: string | undefined;
}

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

  /** @param given the settings that the server is told, all of which it heeds; it decides the others */
  constructor(server: TextServer, there: ServedModel, given: SettingsInput) {
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
  async *ask(question: string, signal: AbortSignal): AsyncGenerator<ServedEvent, void> {
    this.#unanswered = [...this.#messages, { role: 'user', content: question }];
    yield* this.#answer(this.#unanswered, signal);
  }

  /**
   * Answers the last question once more. An answer that breaks off does not replace one that is there.
   * @throws as `ask`; UsageError where there is no question
   */
  async *retry(signal: AbortSignal): AsyncGenerator<ServedEvent, void> {
    if (!this.#unanswered && this.#messages.at(-1)?.role !== 'assistant')
      throw new UsageError('There is no question yet');
    yield* this.#answer(this.#unanswered ?? this.#messages.slice(0, -1), signal);
  }

  /** Forgets the last question and its answer. @throws UsageError where there is none */
  undo(): void {
    if (!this.#unanswered && this.#messages.at(-1)?.role !== 'assistant')
      throw new UsageError('There is no question yet');
    this.messages = this.#unanswered ? this.#messages : this.#messages.slice(0, -2);
  }

  async *#answer(turns: readonly ChatMessage[], signal: AbortSignal): AsyncGenerator<ServedEvent, void> {
    const { model, owner } = this.#there;
    const { seed } = this.#given;
    const given = { ...this.#given, ...(seed !== undefined && { seed: (seed + this.#answers) % SEEDS }) };
    const messages = takesReasoning(owner)
      ? turns
      : turns.map(({ role, content }): ChatMessage => ({ role, content }));
    const fields = bodyOf(given, owner);
    const pieces: TextPiece[] = [];
    let hasEnded = false;
    this.#answers += 1;
    try {
      for await (const event of writeServed(
        this.#server,
        { messages, form: 'chat', model, fields },
        signal,
      )) {
        if (event.type === 'text') pieces.push(...event.pieces);
        hasEnded = event.type === 'end';
        yield event;
      }
    } finally {
      const isOnly = this.#messages.length < turns.length;
      if (hasEnded || isOnly) this.#keep(turns, pieces);
    }
  }

  /** Takes what was written of an answer into the conversation. */
  #keep(turns: readonly ChatMessage[], pieces: readonly TextPiece[]): void {
    const written = (isReasoning: boolean) => textOf(pieces.filter((one) => one.isReasoning === isReasoning));
    const [content, reasoning] = [written(false), written(true).trim()];
    if (content !== '')
      this.messages = [...turns, { role: 'assistant', content, ...(reasoning && { reasoning }) }];
  }
}
