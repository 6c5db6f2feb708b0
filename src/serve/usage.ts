import { addCounters, quotient } from '../generation/counters.js';
import type { Written } from './writer.js';

/** Returns the numbers of tokens of an answer, as OpenAI counts them: a prompt counts once, however many answers it has. */
export function usageOf(texts: readonly Written[], prompts: number) {
  const sum = (of: (text: Written) => number, among = texts) =>
    among.reduce((all, text) => all + of(text), 0);
  const answers = texts.length / prompts;
  const first = texts.filter((_, i) => i % answers === 0);
  const prompt = sum(({ promptTokens }) => promptTokens, first);
  const completion = sum(({ result }) => result.tokens.length);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: prompt - sum(({ result }) => result.evaluated.target, first) },
  };
}

/** Returns the times of an answer in milliseconds, under the names of llama-server, and mtad's own times beside them. */
export function timingsOf(texts: readonly Written[]) {
  const sum = (of: (text: Written) => number) => texts.reduce((all, text) => all + of(text), 0);
  const counters = texts.map(({ result }) => result.counters).reduce(addCounters);
  const prompt_n = sum(({ result }) => result.evaluated.target);
  const prompt_ms = sum(({ result }) => result.prefillMs);
  const predicted_n = counters.emitted;
  const predicted_ms = counters.ms.decode;
  return {
    cache_n: sum(({ promptTokens }) => promptTokens) - prompt_n,
    prompt_n,
    prompt_ms,
    prompt_per_token_ms: quotient(prompt_ms, prompt_n),
    prompt_per_second: quotient(1000 * prompt_n, prompt_ms),
    predicted_n,
    predicted_ms,
    predicted_per_token_ms: quotient(predicted_ms, predicted_n),
    predicted_per_second: quotient(1000 * predicted_n, predicted_ms),
    draft_n: counters.drafted,
    draft_n_accepted: counters.accepted,
    target_passes: counters.targetPasses,
    first_token_ms: texts[0]!.result.firstTokenMs,
    queue_ms: sum(({ queueMs }) => queueMs),
  };
}
