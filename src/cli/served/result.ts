import type { ChalkInstance } from 'chalk';
import type { ServedResult } from '../../client/write.js';
import { quotient } from '../../generation/counters.js';
import { oneLine } from '../../one-line.js';
import { VERSION } from '../../version.js';

/** The facts of a text that a server writes. */
export interface ServedRun {
  readonly url: string;
  /** Undefined: the server has not told its models, and none was named. */
  readonly model: string | undefined;
  /** The fields of the request that decide what is written, and the system text. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** The figures of a text that the server has not ended. */
export const NOTHING_TOLD = { promptTokens: null, completionTokens: null, firstTokenMs: null, timings: {} };

/** Returns the object of --json, with the keys of a text that is written here. Null: the server does not tell. */
export function servedJson({ url, model, params }: ServedRun, result: ServedResult): object {
  const { timings, completionTokens: tokens } = result;
  const { predicted_ms = null, draft_n = null, draft_n_accepted = null, target_passes = null } = timings;
  const ratio = (a: number | null, b: number | null) => (a === null || b === null ? null : quotient(a, b));
  return {
    schema: 1,
    text: result.text,
    reasoning: result.reasoning,
    tokens: null,
    finish_reason: result.finishReason,
    grammar_complete: null,
    strategy: params.strategy ?? null,
    engine: null,
    device: null,
    model: model ?? null,
    draft: null,
    prompt_tokens: result.promptTokens,
    completion_tokens: tokens,
    timing_ms: {
      load: null,
      prefill: timings.prompt_ms ?? null,
      decode: predicted_ms,
      draft: null,
      verify: null,
      own: null,
      first_token: result.firstTokenMs,
    },
    tokens_per_second: speedOf(result),
    speculation: {
      target_passes,
      draft_passes: null,
      drafted: draft_n,
      accepted: draft_n_accepted,
      block_efficiency: ratio(tokens, target_passes),
      acceptance_rate: ratio(draft_n_accepted, draft_n),
      drafted_by_position: null,
      accepted_by_position: null,
      by_source: null,
    },
    perplexity: null,
    quality: null,
    repetition: null,
    drift: null,
    cache_check: null,
    pass_costs: null,
    remote: null,
    params: { url, ...params },
    versions: { mtad: VERSION, node: process.versions.node },
  };
}

/** Returns the figures of a text, for people. */
export function servedStats(
  { url, model }: Pick<ServedRun, 'url' | 'model'>,
  result: ServedResult,
  colors: ChalkInstance,
): string {
  return `${colors.dim(`${named(model ?? 'a model')} at ${url}: ${servedFigures(result)}`)}\n`;
}

/** The same in one line, without the name of the model. */
export function servedFigures(result: ServedResult): string {
  const { promptTokens, completionTokens, firstTokenMs, finishReason, timings } = result;
  const { draft_n, draft_n_accepted, target_passes } = timings;
  const speed = speedOf(result);
  return [
    `${completionTokens ?? 'unknown'} tokens`,
    speed === null ? undefined : `${speed.toFixed(1)} tokens/s`,
    promptTokens === null ? undefined : `prompt ${promptTokens} tokens`,
    firstTokenMs === null ? undefined : `first text after ${(firstTokenMs / 1000).toFixed(2)} s`,
    draft_n ? `${draft_n_accepted ?? 0} of ${draft_n} drafted tokens accepted` : undefined,
    target_passes && completionTokens
      ? `${(completionTokens / target_passes).toFixed(2)} tokens per target pass`
      : undefined,
    `ended by ${named(finishReason)}`,
  ]
    .filter((one) => one !== undefined)
    .join(', ');
}

/** Returns the beginning of a name that is the server's. */
function named(name: string): string {
  return oneLine(name, 300);
}

/** Returns the notice about a text that reached a limit; undefined if it did not. */
export function servedCutNotice(
  { finishReason, completionTokens }: ServedResult,
  maxTokens: number,
): string | undefined {
  if (finishReason !== 'length') return undefined;
  return completionTokens !== null && completionTokens >= maxTokens
    ? `the text was cut at --max-tokens ${maxTokens}; raise it for more`
    : 'the text was cut: it has reached a limit of the server, or the context there is full';
}

/** The speed by the clock of the server, which counts neither the queue nor the network. */
function speedOf({ timings, completionTokens }: ServedResult): number | null {
  if (timings.predicted_per_second != null) return timings.predicted_per_second;
  const ms = timings.predicted_ms;
  return ms == null || completionTokens === null ? null : quotient(1000 * completionTokens, ms);
}
