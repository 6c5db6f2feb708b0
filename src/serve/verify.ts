import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { TokenId, TopLogits } from '../types.js';
import { TOKENS_BEFORE } from './answer.js';
import { ApiError } from './api-error.js';
import { parseRequest } from './request.js';
import type { Writer } from './writer.js';

/** The most rows of log-probabilities of one text. */
const MOST_ROWS = 512;
/** The most tokens of a row. */
const MOST_TOP = 1000;
/** The most texts of one request. */
const MOST_TEXTS = 256;
/** The most log-probabilities of one answer. Each takes about a hundred bytes until it is sent. */
const MOST_FACTS = 2 ** 20;

const ids = z.array(z.int().min(0)).min(1);
const start = z.int().min(-1);

/** The part of SGLang's native request that asks for log-probabilities of a given text. */
const verifySchema = z.looseObject({
  input_ids: z
    .union([ids, z.array(ids).min(1).max(MOST_TEXTS)], { error: 'a list of tokens, or of such lists' })
    .nullish(),
  text: z.string().nullish(),
  sampling_params: z.looseObject({
    max_new_tokens: z.literal(1, { error: 'only 1: this endpoint judges texts, and writes none' }),
    temperature: z.literal(0, { error: 'only 0: whoever asks for log-probabilities tosses the coins' }),
  }),
  return_logprob: z.literal(true, { error: 'only true' }),
  logprob_start_len: z.union([start, z.array(start)]).default(-1),
  top_logprobs_num: z.int().min(1).max(MOST_TOP).default(1),
  return_text_in_logprobs: z.boolean().default(false),
});

/** The log-probability of a token, its id, and its text if the request wants it. Null: not among the tokens that were read. */
type Fact = readonly [logprob: number | null, token: TokenId, text: string | null];

/**
 * Answers a request for `/generate`: the log-probability of each token of a text from `logprob_start_len` on under the
 * target, and the likeliest tokens in its place. Tokens that the caches do not hold take one pass. The log-probabilities are
 * those of the raw model, at temperature 1 and without truncation.
 * @throws ApiError, UsageError, ResourceError
 */
export async function verify(body: unknown, writer: Writer, signal: AbortSignal): Promise<object> {
  const request = parseRequest(verifySchema, body);
  const { text, input_ids, top_logprobs_num: top, logprob_start_len: starts } = request;
  const { return_text_in_logprobs: withText } = request;
  if ((text == null) === (input_ids == null))
    throw new ApiError(400, 'Either text or input_ids is needed, and not both', { param: 'input_ids' });
  const { tokenizer } = writer.pair.target;
  const given = text == null ? input_ids! : writer.tokensOf(text);
  const isList = Array.isArray(given[0]);
  const texts = (isList ? given : [given]) as readonly TokenId[][];
  const froms = texts.map(({ length }, i) => startIn(length, Array.isArray(starts) ? starts[i] : starts));
  const facts = texts.reduce((sum, { length }, i) => sum + (length - froms[i]!) * top, 0);
  if (facts > MOST_FACTS)
    throw new ApiError(
      400,
      `top_logprobs_num asks for ${facts} log-probabilities of all texts together; at most ${MOST_FACTS} are given`,
      { param: 'top_logprobs_num' },
    );
  const answers: object[] = [];
  for (const [i, tokens] of texts.entries()) {
    const from = froms[i]!;
    const { rows, evaluated } = await writer.evaluate(tokens, from, top, signal);
    const fact = (
      logit: number | undefined,
      row: TopLogits | undefined,
      token: TokenId,
      place: number,
    ): Fact => [
      logit === undefined ? null : logit - row!.logSumExp!,
      token,
      withText
        ? tokenizer.decode([token], tokens.slice(Math.max(0, place - TOKENS_BEFORE), place), true)
        : null,
    ];
    const judged = (row: TopLogits | undefined, token: TokenId, place: number) =>
      fact(row?.logits[row.tokens.indexOf(token)], row, token, place);
    const likeliest = (row: TopLogits, place: number) =>
      [...row.tokens].map((token, j) => fact(row.logits[j], row, token, place));
    const last = rows.at(-1)!;
    const next = last.tokens[0]!;
    answers.push({
      text: tokenizer.decode([next], tokens.slice(-TOKENS_BEFORE)),
      output_ids: [next],
      meta_info: {
        id: randomUUID(),
        finish_reason: { type: 'length', length: 1 },
        prompt_tokens: tokens.length,
        completion_tokens: 1,
        cached_tokens: tokens.length - evaluated,
        input_token_logprobs: tokens.slice(from).map((token, j) => judged(rows[j - 1], token, from + j)),
        input_top_logprobs: [null, ...rows.slice(0, -1).map((row, j) => likeliest(row, from + 1 + j))],
        output_token_logprobs: [judged(last, next, tokens.length)],
        output_top_logprobs: [likeliest(last, tokens.length)],
      },
    });
  }
  return isList ? answers : answers[0]!;
}

/**
 * Returns the index, from 0, of the first token behind which the likeliest tokens are given.
 * @param asked the index in the request; below 0, or undefined: the last token
 * @throws ApiError 400 where the text has no such token, or too many tokens follow it
 */
function startIn(length: number, asked = -1): number {
  const from = asked < 0 ? length - 1 : asked;
  if (from < length && length - from <= MOST_ROWS) return from;
  throw new ApiError(400, `logprob_start_len must leave 1 to ${MOST_ROWS} of the ${length} tokens`, {
    param: 'logprob_start_len',
  });
}
