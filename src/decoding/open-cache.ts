import type { ContextOptions, Model } from '../engine/port.js';
import { CacheManager } from './cache-manager.js';
import { ModelCache } from './model-cache.js';

/** How much room the caches of both models have, and how they are kept. */
export interface CacheOptions extends Pick<ContextOptions, 'threads' | 'cacheType' | 'flashAttention'> {
  /** Tokens of committed text, >= 1. */
  readonly capacity: number;
  /** Branches that the target has at once, >= 1. */
  readonly targetSequences: number;
  /** Branches that the draft grows at once; 0 = no draft model. */
  readonly draftSequences: number;
  /** Tokens of a branch, >= 1. */
  readonly draftLength: number;
  readonly draftThreads?: number | undefined;
}

/**
 * Memory for both models, or for the target alone where nothing is drafted by a model.
 * @throws ResourceError when the memory does not suffice; nothing is left behind
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

/** Where cells are shared, branches have the text in common, and each but the first adds its own tokens. */
function contextOptions(
  { capacity, draftLength, cacheType, flashAttention }: CacheOptions,
  sequences: number,
  threads: number | undefined,
): ContextOptions {
  const cells = capacity + (sequences - 1) * draftLength;
  return { capacity, sequences, cells, threads, cacheType, flashAttention };
}
