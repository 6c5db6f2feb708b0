import { z } from 'zod';
import type { TokenId, TopLogits } from '../../types.js';
import type { Connection } from './connection.js';

/** A text, and the place from which on the likeliest next tokens are wanted. */
export interface Question {
  readonly tokens: readonly TokenId[];
  /** Of the first token behind which they are wanted. */
  readonly from: number;
}

const fact = z.tuple([z.number().nullable(), z.int(), z.string().nullish()]);
const top = z.array(fact).nullable();
const answerSchema = z.object({
  meta_info: z.object({
    input_token_logprobs: z.array(fact),
    input_top_logprobs: z.array(top),
    output_top_logprobs: z.array(top).min(1),
  }),
});

type Answer = z.output<typeof answerSchema>;

/** What every request asks for: log-probabilities of a text that is there. */
const ASKED = { sampling_params: { max_new_tokens: 1, temperature: 0 }, return_logprob: true };

/**
 * Asks a server for the likeliest tokens behind the tokens of texts, in SGLang's format, in one request.
 * @returns for each text, rows for all tokens from `from` on, with log-probabilities as logits
 * @throws Error where it answers otherwise
 */
export async function judged(
  connection: Connection,
  questions: readonly Question[],
  count: number,
): Promise<TopLogits[][]> {
  const answers = z.array(answerSchema).safeParse(
    await connection.ask({
      ...ASKED,
      input_ids: questions.map(({ tokens }) => tokens),
      logprob_start_len: questions.map(({ from }) => from),
      top_logprobs_num: count,
    }),
  );
  if (!answers.success || answers.data.length !== questions.length) throw strange(connection);
  return answers.data.map(({ meta_info }, i) => {
    const [, ...inside] = meta_info.input_top_logprobs; // the first token is judged behind nothing that was asked about
    const rows = [...inside, meta_info.output_top_logprobs[0]!];
    const { tokens, from } = questions[i]!;
    if (rows.length !== tokens.length - from) throw strange(connection);
    return rows.map((row) => {
      if (!row || row.length === 0) throw strange(connection);
      return rowOf(row, connection);
    });
  });
}

/** @returns the tokens that the server reads in a text @throws Error where it answers otherwise */
export async function readThere(connection: Connection, text: string): Promise<TokenId[]> {
  const answer = answerSchema.safeParse(
    await connection.ask({ ...ASKED, text, logprob_start_len: 0, top_logprobs_num: 1 }),
  );
  if (!answer.success) throw strange(connection);
  return answer.data.meta_info.input_token_logprobs.map(([, token]) => token);
}

function rowOf(row: NonNullable<Answer['meta_info']['output_top_logprobs'][0]>, connection: Connection) {
  const sorted = row.toSorted(([a], [b]) => b! - a!);
  if (sorted.some(([logprob]) => logprob === null)) throw strange(connection);
  return {
    tokens: Int32Array.from(sorted, ([, token]) => token),
    logits: Float64Array.from(sorted, ([logprob]) => logprob!),
    logSumExp: 0, // log-probabilities are normalized
  };
}

function strange({ url }: Connection): Error {
  return new Error(`The target at ${url} does not answer as SGLang's /generate does`);
}
