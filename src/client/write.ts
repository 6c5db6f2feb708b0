import { performance } from 'node:perf_hooks';
import { z } from 'zod';
import type { ChatMessage } from '../templates/messages.js';
import type { TextPiece } from '../text/text-stream.js';
import { Refused, ServerError, type ServerEvent, type TextServer } from './text-server.js';

/** A text to ask a server for. */
export interface ServedRequest {
  /** The last one has the words of the user, or the beginning of the answer. */
  readonly messages: readonly ChatMessage[];
  /**
   * 'chat': in the chat template of the server's model. 'raw': the last message alone, as it is. 'auto': in the template if `mtad serve` has one, and
   * always on other servers, which do not tell.
   */
  readonly form: 'chat' | 'raw' | 'auto';
  /** Undefined: the server's usual one. */
  readonly model: string | undefined;
  /** Further fields, which decide what is written. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What happens while a server writes a text; the result comes last. */
export type ServedEvent =
  | { readonly type: 'start'; readonly form: 'chat' | 'raw' }
  | { readonly type: 'text'; readonly pieces: readonly TextPiece[] }
  | { readonly type: 'end'; readonly result: ServedResult };

/** A text that a server has written. Null: it did not tell. */
export interface ServedResult {
  /** All of it. */
  readonly text: string;
  /** The part before the answer, with the blank line behind it; null: none. */
  readonly reasoning: string | null;
  /** The server's word for why the text ended: 'stop', 'length', …; 'interrupted' where the signal ended it. */
  readonly finishReason: string;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** From the request on, by the clock of the client, in milliseconds; null where no text came. */
  readonly firstTokenMs: number | null;
  /** As `mtad serve` and llama-server tell it. */
  readonly timings: z.output<typeof timingsSchema>;
}

const figure = z.number().nullish().catch(null);

const timingsSchema = z.object({
  prompt_ms: figure,
  predicted_ms: figure,
  predicted_per_second: figure,
  draft_n: figure,
  draft_n_accepted: figure,
  target_passes: figure,
});

const choice = z.object({
  text: z.string().nullish(),
  delta: z
    .object({
      content: z.string().nullish(),
      reasoning_content: z.string().nullish(),
      reasoning: z.string().nullish(), // vLLM and others
    })
    .nullish(),
  finish_reason: z.string().nullish(),
});

const eventSchema = z.object({
  choices: z.array(choice).nullish(),
  usage: z.object({ prompt_tokens: figure, completion_tokens: figure }).nullish().catch(undefined),
  timings: timingsSchema.nullish().catch(undefined),
});

/** What stands between the reasoning and the answer, which the server tells apart. */
const GAP = '\n\n';

/**
 * Has a server write a text.
 * @throws Refused for a request that the server refuses; ResourceError for a prompt that is too long; ServerError where it does
 *   not answer, fails, or breaks off
 */
export async function* writeServed(
  server: TextServer,
  request: ServedRequest,
  signal: AbortSignal,
): AsyncGenerator<ServedEvent, void> {
  const started = performance.now();
  let [thought, answer] = ['', ''];
  let isStarted = false;
  let finishReason: string | undefined;
  let firstTokenMs: number | null = null;
  let usage: z.output<typeof eventSchema>['usage'];
  let timings: z.output<typeof timingsSchema> = {};
  try {
    for await (const { form, event } of eventsOf(server, request, signal)) {
      if (!isStarted) yield { type: 'start', form };
      isStarted = true;
      if (event.error)
        throw new ServerError(`The server at ${server.url} failed: ${server.quoted(messageOf(event.error))}`);
      const { error, data } = eventSchema.safeParse(event);
      if (error) throw server.strange('the choices of an event hold no text', error);
      usage = data.usage ?? usage;
      timings = data.timings ?? timings;
      const { text, delta, finish_reason } = data.choices?.[0] ?? {};
      finishReason = finish_reason || finishReason;
      const said = delta?.reasoning_content || delta?.reasoning || '';
      const isLate = answer !== ''; // reasoning is the beginning of the text
      const reasoned = isLate ? '' : said;
      const answered = (isLate ? said : '') + (text || delta?.content || '');
      const gap = answered !== '' && answer === '' && thought !== '' ? GAP : '';
      thought += reasoned + gap;
      answer += answered;
      const pieces = [piece(reasoned + gap, true), piece(answered, false)].filter((one) => one.text !== '');
      if (pieces.length === 0) continue;
      firstTokenMs ??= performance.now() - started;
      yield { type: 'text', pieces };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (finishReason === undefined && !signal.aborted)
    throw new ServerError(`The answer of ${server.url} ended before the text did`);
  yield {
    type: 'end',
    result: {
      text: thought + answer,
      reasoning: thought === '' ? null : thought,
      finishReason: finishReason ?? 'interrupted',
      promptTokens: usage?.prompt_tokens ?? null,
      completionTokens: usage?.completion_tokens ?? null,
      firstTokenMs,
      timings,
    },
  };
}

/** The ways to ask, by the form that is wanted. */
const WAYS = { chat: ['chat'], raw: ['raw'], auto: ['chat', 'raw'] } as const;
const PATHS = { chat: '/chat/completions', raw: '/completions' } as const;

/** The events of the answer, with the form that the prompt has in the end. */
async function* eventsOf(
  server: TextServer,
  { messages, form: wanted, model, fields }: ServedRequest,
  signal: AbortSignal,
): AsyncGenerator<{ form: 'chat' | 'raw'; event: ServerEvent }, void> {
  for (const form of WAYS[wanted])
    try {
      const text = form === 'chat' ? { messages: messages.map(sent) } : { prompt: messages.at(-1)!.content };
      const body = { ...text, ...(model !== undefined && { model }), ...fields, ...STREAM };
      for await (const event of server.events(PATHS[form], body, signal)) yield { form, event };
      return;
    } catch (error) {
      const isBare = error instanceof Refused && error.code === 'no_chat_template';
      if (!isBare || wanted !== 'auto' || form === 'raw') throw error;
    }
}

const STREAM = { stream: true, stream_options: { include_usage: true } };

/** A message as servers have it. */
function sent({ role, content, reasoning }: ChatMessage): object {
  return { role, content, ...(reasoning !== undefined && { reasoning_content: reasoning }) };
}

function piece(text: string, isReasoning: boolean): TextPiece {
  return { text, isReasoning, drafted: false };
}

function messageOf(error: unknown): string {
  const { message = error } = error as { message?: unknown };
  return typeof message === 'string' ? message : JSON.stringify(message);
}
