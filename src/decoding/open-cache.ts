import type { ContextOptions, Model } from '../engine/port.js';
import { CacheManager } from './cache-manager.js';
import { ModelCache } from './model-cache.js';

/** The size and the form of the caches of both models. */
export interface CacheOptions extends Pick<ContextOptions, 'threads' | 'cacheType' | 'flashAttention'> {
  /** The most tokens of committed text, >= 1. */
  readonly capacity: number;
  /** The most branches of the target at once, >= 1. */
  readonly targetSequences: number;
  /** The most branches of the draft at once; 0: no draft model. */
  readonly draftSequences: number;
  /** The most tokens of a branch, >= 1. */
  readonly draftLength: number;
  readonly draftThreads?: number | undefined;
}

/**
 * Opens the caches of both models, or of the target alone where the strategy needs no draft model.
 * @throws ResourceError where the memory does not suffice; no memory stays taken then
 */
export async function openCache(
  { target, draft }: { target: Model; draft: Model | undefined },
  options: CacheOptions,
): Promise<CacheManager> {
  const { targetSequences, draftSequences, threads, draftThreads = threads } = options;
  const targetContext = await target.createContext(contextOptions(options, targetSequences, threads));
  if (!draft || draftSequences === 0) return new CacheManager(new ModelCache(targetContext));
  try {
    const draftContext = await draft.createContext(contextOptions(options, draftSequences, draftThreads));
    return new CacheManager(new ModelCache(targetContext), new ModelCache(draftContext));
  } catch (error) {
    await targetContext.dispose();
    throw error;
  }
}

/** Returns options with as many cells as needed where they are shared: the text once, and the tokens of each further branch. */
function contextOptions(
  { capacity, draftLength, cacheType, flashAttention }: CacheOptions,
  sequences: number,
  threads: number | undefined,
): ContextOptions {
  const cells = capacity + (sequences - 1) * draftLength;
  return { capacity, sequences, cells, threads, cacheType, flashAttention };
}
