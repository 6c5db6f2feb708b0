import { z } from 'zod';
import { refuseWithoutChatTemplate } from '../generation/require-chat-template.js';
import type { SettingsInput } from '../generation/settings.js';
import { settingsOver } from '../generation/settings-over.js';
import type { ChatMessage } from '../templates/messages.js';
import { type Answering, answersTo } from './answer.js';
import { CHAT } from './answer-shape.js';
import { ApiError } from './api-error.js';
import { inFields } from './fields.js';
import type { ModelNames } from './model-names.js';
import { COMMON, parseRequest, requestedSettings } from './request.js';
import type { Writer } from './writer.js';

const textPart = z.object({ type: z.literal('text'), text: z.string() });

/** A text, or parts of one. */
const content = z.unknown().transform((value, context): string => {
  if (typeof value === 'string') return value;
  const parts = z.array(textPart).safeParse(value);
  if (parts.success) return parts.data.map(({ text }) => text).join('');
  context.addIssue({ code: 'custom', message: 'must be a text, or a list of { type: "text", text }' });
  return z.NEVER;
});

const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant'], {
    error: 'must be system, developer, user or assistant',
  }),
  content,
  reasoning_content: z.string().nullish(),
});

const chatSchema = z.looseObject({
  ...COMMON,
  messages: z.array(message, { error: 'a list of messages' }).min(1, { error: 'at least one message' }),
  logprobs: z.boolean().nullish(),
  reasoning_effort: z.string().nullish(),
});

/** Reads a request for `/v1/chat/completions`. @throws ApiError, UsageError, ResourceError */
export async function chatAnswering(
  body: unknown,
  writer: Writer,
  names: ModelNames,
  defaults: SettingsInput,
): Promise<Answering> {
  const request = parseRequest(chatSchema, body);
  const { model, n = 1, stream = false, stream_options, logprobs, reasoning_effort } = request;
  const input = settingsOver(settingsOver(defaults, names.settingsOf(model)), {
    ...(reasoning_effort === 'none' && { think: 'off' as const }),
    ...requestedSettings(request),
    ...(logprobs && { perplexity: true }),
  });
  const messages = request.messages.map(
    ({ role, content, reasoning_content: reasoning }): ChatMessage => ({
      role: role === 'developer' ? 'system' : role,
      content,
      ...(role === 'assistant' && reasoning && { reasoning }),
    }),
  );
  refuseBareModel(writer, input);
  const job = await writer.prepare({ messages }, input);
  return {
    shape: CHAT,
    model: model ?? names.all[0]!,
    jobs: answersTo(job, n),
    prompts: 1,
    stream,
    includeUsage: stream_options?.include_usage ?? false,
    logprobs: logprobs ?? false,
  };
}

/** @throws ApiError for a model without a chat template, by whose code clients know that it continues texts only */
function refuseBareModel({ pair }: Writer, { chatTemplate }: SettingsInput): void {
  try {
    refuseWithoutChatTemplate(pair.targetHeader, { chatTemplate });
  } catch (error) {
    throw new ApiError(400, inFields((error as Error).message), { code: 'no_chat_template' });
  }
}
