import { availableParallelism } from 'node:os';
import { CACHE_TYPES, type CacheType } from '../engine/port.js';
import { UsageError } from '../errors.js';

/** How to run, as opposed to what to generate. */
export interface RunOptions {
  /** Tokens of prompt and text together; undefined = as many as the target was trained on. */
  readonly contextSize?: number | undefined;
  /** [1..processors], undefined = chosen by the engine. */
  readonly threads?: number | undefined;
  /** The same for the draft model; undefined = as `threads`. */
  readonly draftThreads?: number | undefined;
  /** Number format of both KV caches; undefined = f16. */
  readonly cacheType?: CacheType | undefined;
  /** Undefined = where llama.cpp has it for model and device. */
  readonly flashAttention?: boolean | undefined;
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
}: RunOptions): void {
  const most = availableParallelism();
  for (const [name, count] of Object.entries({ threads, draftThreads }))
    if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= most))
      throw new UsageError(`\`${name}\` must be a whole number from 1 to ${most}, not ${count}`);
  if (contextSize !== undefined && !(Number.isInteger(contextSize) && contextSize >= 2))
    throw new UsageError(`\`contextSize\` must be a whole number, 2 or more, not ${contextSize}`);
  if (cacheType !== undefined && !CACHE_TYPES.includes(cacheType))
    throw new UsageError(`\`cacheType\` must be one of ${CACHE_TYPES.join(', ')}, not ${cacheType}`);
  if (cacheType?.startsWith('q') && flashAttention === false)
    throw new UsageError(
      `A KV cache of type ${cacheType} needs flash attention: leave that on, or use \`cacheType\` f16`,
    );
}
