import { z } from 'zod';
import type { Connection } from './connection.js';
import { type Judge, rowOf } from './judge.js';

const tokensSchema = z.object({ tokens: z.array(z.int()) });
const fact = z.object({ id: z.int(), logprob: z.number() });
const answerSchema = z.object({
  index: z.int().min(0).default(0),
  completion_probabilities: z.array(z.object({ top_logprobs: z.array(fact).min(1) })).min(1),
});

/** By which a token is made the one that is predicted. Probabilities are told as they are without it. */
const FORCED = 1e6;

/**
 * A server that tells only what follows a text, in llama-server's format. Each place to be judged is a prompt of its own, all of
 * them in one request; the server's caches of earlier prompts spare it what they have in common.
 */
export function prefixFanOut(connection: Connection): Judge {
  const strange = () => connection.strange("llama-server's /completion");
  const tokenize = async (content: string, add_special: boolean) => {
    const asked = { content, add_special, parse_special: false };
    const answer = tokensSchema.safeParse(await connection.ask('/tokenize', asked));
    if (!answer.success) throw strange();
    return answer.data.tokens;
  };
  let whole: number | undefined; // a token that ends a character; behind a part of one the server tells nothing
  return {
    async tokensOf(text) {
      const tokens = await tokenize(text, true);
      whole = (await tokenize('a', false)).at(-1);
      return tokens;
    },
    async judge(questions, count) {
      const prompts = questions.flatMap(({ tokens, from }) =>
        tokens.slice(from).map((_, i) => tokens.slice(0, from + 1 + i)),
      );
      const answer = await connection.ask('/completion', {
        prompt: prompts,
        n_predict: 1,
        n_probs: count,
        temperature: 0,
        ...(whole !== undefined && { logit_bias: [[whole, FORCED]] }),
        cache_prompt: true,
        response_fields: ['index', 'completion_probabilities'], // its answer repeats the prompt and all settings otherwise
      });
      const answers = z.array(answerSchema).safeParse([answer].flat()); // one prompt has no list of answers
      if (!answers.success || answers.data.length !== prompts.length) throw strange();
      const rows = answers.data
        .toSorted((a, b) => a.index - b.index)
        .map(({ completion_probabilities: [next] }) =>
          rowOf(next!.top_logprobs.map(({ id, logprob }) => ({ token: id, logProb: logprob }))),
        )
        .values();
      return questions.map(({ tokens, from }) => tokens.slice(from).map(() => rows.next().value!));
    },
  };
}
