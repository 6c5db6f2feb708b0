import { z } from 'zod';
import type { SettingsInput } from '../generation/settings.js';
import { settingsOver } from '../generation/settings-over.js';
import { type Answering, answersTo } from './answer.js';
import { COMPLETION } from './answer-shape.js';
import { ApiError } from './api-error.js';
import type { ModelNames } from './model-names.js';
import { COMMON, MOST_CHOICES, parseRequest, requestedSettings } from './request.js';
import type { Job, Writer } from './writer.js';

const token = z.int().min(0);
const tokens = z.array(token).min(1);

const completionSchema = z.looseObject({
  ...COMMON,
  prompt: z.union([z.string(), tokens, z.array(z.string()).min(1), z.array(tokens).min(1)], {
    error: 'a text, a list of tokens, or a list of either',
  }),
  logprobs: z.literal(0, { error: 'only 0: the log-probabilities of the tokens that are written' }).nullish(),
});

/** Reads a request for `/v1/completions`. @throws ApiError, UsageError, ResourceError */
export async function completionAnswering(
  body: unknown,
  writer: Writer,
  names: ModelNames,
  defaults: SettingsInput,
): Promise<Answering> {
  const request = parseRequest(completionSchema, body);
  const { model, prompt, n = 1, stream = false, stream_options, logprobs } = request;
  const input = settingsOver(settingsOver(defaults, names.settingsOf(model)), {
    ...requestedSettings(request),
    ...(logprobs != null && { perplexity: true }),
  });
  const prompts = promptsIn(prompt);
  if (prompts.length * n > MOST_CHOICES)
    throw new ApiError(
      400,
      `prompt and n ask for ${prompts.length * n} answers; at most ${MOST_CHOICES} are given`,
      {
        param: 'n',
      },
    );
  const jobs: Job[] = [];
  for (const one of prompts) jobs.push(...answersTo(await writer.prepare(one, input), n));
  return {
    shape: COMPLETION,
    model: model ?? names.all[0]!,
    jobs,
    prompts: prompts.length,
    stream,
    includeUsage: stream_options?.include_usage ?? false,
    logprobs: logprobs != null,
  };
}

function promptsIn(prompt: string | number[] | string[] | number[][]): (string | number[])[] {
  if (typeof prompt === 'string') return [prompt];
  return isTokens(prompt) ? [prompt] : prompt;
}

function isTokens(prompt: number[] | string[] | number[][]): prompt is number[] {
  return typeof prompt[0] === 'number';
}
