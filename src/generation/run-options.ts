import { availableParallelism } from 'node:os';
import { CACHE_TYPES, needsFlashAttention, type RuntimeOptions } from '../engine/runtime-options.js';
import { UsageError } from '../errors.js';
import type { CostStore } from '../tuning/cost-store.js';
import type { DriftWatch } from '../tuning/drift.js';
import type { LearnedStore } from '../tuning/learned-store.js';
import type { Profile } from '../tuning/profile.js';

/** How to run, as opposed to what to generate. */
export interface RunOptions extends RuntimeOptions {
  /** Tokens of prompt and text together; undefined = as many as the target was trained on. */
  readonly contextSize?: number | undefined;
  /** Where measured costs of passes are kept; undefined = with the pair, as long as it is loaded. */
  readonly costs?: CostStore | undefined;
  /** The same of what texts have learned of the draft, with which the next one begins; nowhere beside fixed costs. */
  readonly learned?: LearnedStore | undefined;
  /** What is known of the pair: the draft length begins with what it has learned. */
  readonly profile?: Profile | undefined;
  /** Sees whether texts are as those of the profile were; undefined = a new one sees those of a session. */
  readonly drift?: DriftWatch | undefined;
  /**
   * Each so many passes of a model are held against a fresh evaluation of the text, >= 1; undefined = none. It takes time, and
   * a second context for each model. A text whose caches do not hold it ends with a CacheError.
   */
  readonly verifyCache?: number | undefined;
  /** Its abort ends the text where it is: finishReason 'interrupted'. */
  readonly signal?: AbortSignal | undefined;
}

/** @throws UsageError naming the first option that is wrong */
export function checkRunOptions({
  contextSize,
  threads,
  draftThreads,
  cacheType,
  flashAttention,
  verifyCache,
}: RunOptions): void {
  const most = availableParallelism();
  for (const [name, count] of Object.entries({ threads, draftThreads }))
    if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= most))
      throw new UsageError(`\`${name}\` must be a whole number from 1 to ${most}, not ${count}`);
  if (contextSize !== undefined && !(Number.isInteger(contextSize) && contextSize >= 2))
    throw new UsageError(`\`contextSize\` must be a whole number, 2 or more, not ${contextSize}`);
  if (verifyCache !== undefined && !(Number.isInteger(verifyCache) && verifyCache >= 1))
    throw new UsageError(`\`verifyCache\` must be a whole number, 1 or more, not ${verifyCache}`);
  if (cacheType !== undefined && !CACHE_TYPES.includes(cacheType))
    throw new UsageError(`\`cacheType\` must be one of ${CACHE_TYPES.join(', ')}, not ${cacheType}`);
  if (needsFlashAttention(cacheType) && flashAttention === false)
    throw new UsageError(
      `A KV cache of type ${cacheType} needs flash attention: leave that on, or use \`cacheType\` f16`,
    );
}
