import { z } from 'zod';
import type { Connection } from './connection.js';
import { type Judge, type LogProbFact, rowOf } from './judge.js';

const fact = z.tuple([z.number().nullable(), z.int(), z.string().nullish()]);
const top = z.array(fact).nullable();
const answerSchema = z.object({
  meta_info: z.object({
    input_token_logprobs: z.array(fact),
    input_top_logprobs: z.array(top),
    output_top_logprobs: z.array(top).min(1),
  }),
});

/** What every request asks for: log-probabilities of a text that is there. */
const ASKED = { sampling_params: { max_new_tokens: 1, temperature: 0 }, return_logprob: true };

/** A server that judges all places of a text in one pass, in SGLang's format: `mtad serve`, SGLang. */
export function onePass(connection: Connection): Judge {
  const ask = (body: object) => connection.ask('/generate', { ...ASKED, ...body });
  const strange = () => connection.strange("SGLang's /generate");
  return {
    async tokensOf(text) {
      const answer = answerSchema.safeParse(await ask({ text, logprob_start_len: 0, top_logprobs_num: 1 }));
      if (!answer.success) throw strange();
      return answer.data.meta_info.input_token_logprobs.map(([, token]) => token);
    },
    async judge(questions, count) {
      const answers = z.array(answerSchema).safeParse(
        await ask({
          input_ids: questions.map(({ tokens }) => tokens),
          logprob_start_len: questions.map(({ from }) => from),
          top_logprobs_num: count,
        }),
      );
      if (!answers.success || answers.data.length !== questions.length) throw strange();
      return answers.data.map(({ meta_info }, i) => {
        const [, ...inside] = meta_info.input_top_logprobs; // the first token is judged behind nothing that was asked about
        const rows = [...inside, meta_info.output_top_logprobs[0]!];
        const { tokens, from } = questions[i]!;
        if (rows.length !== tokens.length - from) throw strange();
        return rows.map((row) => {
          const facts = row?.map(([logProb, token]) => ({ token, logProb }));
          if (!facts?.length || !facts.every(isKnown)) throw strange();
          return rowOf(facts);
        });
      });
    },
  };
}

function isKnown(fact: { readonly token: number; readonly logProb: number | null }): fact is LogProbFact {
  return fact.logProb !== null;
}
