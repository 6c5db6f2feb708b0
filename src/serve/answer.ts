import { randomUUID } from 'node:crypto';
import type { Step } from '../decoding/loop.js';
import type { GenerationEvent } from '../generation/events.js';
import { answerOf } from '../text/reasoning.js';
import { textOf } from '../text/text-stream.js';
import type { TokenId } from '../types.js';
import { type AnswerShape, finishOf, type TokenFact } from './answer-shape.js';
import { eventStream } from './event-stream.js';
import { ThoughtStream } from './thought-stream.js';
import { timingsOf, usageOf } from './usage.js';
import type { Job, Writer, Written } from './writer.js';

/** The texts that answer one request, written one after the other. */
export interface Answering {
  readonly shape: AnswerShape;
  /** The model's name as the client gave it. */
  readonly model: string;
  /** All answers of the first prompt, then those of the next. */
  readonly jobs: readonly Job[];
  readonly prompts: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly logprobs: boolean;
}

/** Sends an event with an entry of `choices`, and further fields. */
type Send = (choice: object, more?: object) => void;

/** Number of tokens before a token that its text may depend on. */
export const TOKENS_BEFORE = 4;

/** Writes the texts of a request, and answers with them: all at the end, or as they come. */
export async function answer(
  writer: Writer,
  answering: Answering,
  signal: AbortSignal,
  onWritten: (written: Written) => void,
): Promise<Response> {
  const { shape, model, jobs, prompts, stream, includeUsage } = answering;
  const head = (object: string) => ({
    id: `${shape.prefix}-${randomUUID()}`,
    object,
    created: Math.floor(Date.now() / 1000), // seconds
    model,
  });
  const writeAll = async (send?: Send) => {
    const choices: object[] = [];
    const texts: Written[] = [];
    for (const [index, job] of jobs.entries()) {
      const choice = new Choice(index, job, answering, writer, send);
      const written = await writer.write(job, signal, (event) => choice.take(event));
      choices.push(choice.end(written));
      texts.push(written);
      onWritten(written);
    }
    return { choices, usage: usageOf(texts, prompts), timings: timingsOf(texts) };
  };

  if (!stream) return Response.json({ ...head(shape.object), ...(await writeAll()) });
  const common = head(shape.chunkObject);
  return eventStream(async (send) => {
    const { usage } = await writeAll((choice, more) => send({ ...common, choices: [choice], ...more }));
    if (includeUsage) send({ ...common, choices: [], usage });
  });
}

/** Returns `count` copies of a job, each with its own seed. */
export function answersTo(job: Job, count: number): Job[] {
  const { settings } = job;
  const { seed } = settings;
  return Array.from({ length: count }, (_, i) => ({
    ...job,
    settings: seed === undefined ? settings : { ...settings, seed: (seed + i) % 2 ** 32 },
  }));
}

/** One text of an answer, while it is written. */
class Choice {
  readonly #index: number;
  readonly #shape: AnswerShape;
  readonly #writer: Writer;
  readonly #send: Send | undefined;
  readonly #thoughts: ThoughtStream | undefined;
  readonly #text: TokenId[];
  readonly #facts: TokenFact[] | undefined;
  #sent = 0; // facts
  #reasoning = '';

  constructor(
    index: number,
    job: Job,
    { shape, logprobs }: Answering,
    writer: Writer,
    send: Send | undefined,
  ) {
    this.#index = index;
    this.#shape = shape;
    this.#writer = writer;
    this.#send = send;
    this.#text = job.promptTokens.slice(-TOKENS_BEFORE);
    this.#facts = logprobs ? [] : undefined;
    const marks = job.template?.reasoning;
    this.#thoughts = marks && new ThoughtStream(marks, job.begun?.reasoning ?? undefined);
  }

  take(event: GenerationEvent): void {
    if (event.type === 'start') this.#open();
    if (event.type === 'step' && this.#facts) this.#learn(event.step);
    if (event.type !== 'text') return;
    const thought = textOf(event.pieces.filter(({ isReasoning }) => isReasoning));
    this.#piece(
      textOf(event.pieces.filter(({ isReasoning }) => !isReasoning)),
      this.#thoughts?.push(thought) ?? thought,
      null,
    );
  }

  /** Returns the whole answer. In a stream, sends the last event. */
  end(written: Written): object {
    const { result } = written;
    const finish = finishOf(result.finishReason);
    this.#piece('', this.#thoughts?.end() ?? '', finish, { timings: timingsOf([written]) });
    const reasoning = this.#reasoning.trimEnd();
    return this.#shape.whole(this.#index, { text: answerOf(result), reasoning, tokens: this.#facts }, finish);
  }

  #open(): void {
    const opening = this.#shape.opening?.(this.#index);
    if (opening) this.#send?.(opening);
  }

  #piece(text: string, reasoning: string, finish: string | null, more?: object): void {
    this.#reasoning += reasoning;
    const tokens = this.#facts?.slice(this.#sent);
    if (text === '' && reasoning === '' && !tokens?.length && finish === null) return;
    this.#sent += tokens?.length ?? 0;
    this.#send?.(this.#shape.piece(this.#index, { text, reasoning, tokens }, finish), more);
  }

  #learn({ emitted, rawLogProbs }: Step): void {
    const { tokenizer } = this.#writer.pair.target;
    for (const [i, token] of emitted.entries()) {
      const before = this.#text.slice(-TOKENS_BEFORE);
      this.#facts!.push({ token: tokenizer.decode([token], before, true), logprob: rawLogProbs![i]! });
      this.#text.push(token);
    }
  }
}
