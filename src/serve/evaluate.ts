import type { ModelCache } from '../decoding/model-cache.js';
import { type Draft, ROOT, type TokenId, type TopLogits } from '../types.js';

/** The evaluation of a text. */
export interface Evaluated {
  /** One for each token that the caller asked about. */
  readonly rows: readonly TopLogits[];
  /** Number of tokens that no cache held. */
  readonly evaluated: number;
}

/** The shape of caches that only evaluate a text with the target. */
export const TARGET_ALONE = {
  targetSequences: 1,
  draftSequences: 0,
  draftLength: 1,
  rollback: 1,
  usesHead: false,
  targetDrafts: false,
};

/**
 * Evaluates a text with the target.
 * @param from index, from 0, of the first token behind which the likeliest tokens are read
 * @param top number of these tokens
 * @returns undefined where the signal came before all was read; the cache holds the beginning then
 */
export async function evaluate(
  target: ModelCache,
  tokens: readonly TokenId[],
  from: number,
  top: number,
  signal: AbortSignal,
): Promise<Evaluated | undefined> {
  const prefix = tokens.slice(0, from + 1);
  const before = target.work.tokens;
  for await (const _ of target.prefill(prefix)) if (signal.aborted) break;
  if (signal.aborted) return undefined;
  const draft = chainOf(tokens.slice(from + 1));
  const rows = await target.evaluate(prefix, draft, [ROOT, ...draft.keys()], { top, logSumExp: true });
  for (const row of rows) void row.logSumExp; // the sum is worked out when it is read, and must be before the next pass
  return { rows, evaluated: target.work.tokens - before };
}

/** Returns tokens as a draft, so that one pass evaluates all of them. */
function chainOf(tokens: readonly TokenId[]): Draft {
  const q = { tokens: new Int32Array(), logProbs: new Float64Array() }; // evaluating does not read it
  return tokens.map((token, i) => ({ token, parent: i === 0 ? ROOT : i - 1, q }));
}
