import type { Model } from '../engine/engine.js';
import { CacheManager } from './cache-manager.js';
import { ModelCache } from './model-cache.js';

export interface CacheOptions {
  readonly capacity: number; // tokens of committed text, >= 1
  readonly targetSequences: number; // branches that the target has at once, >= 1
  readonly draftSequences: number; // branches that the draft grows at once; 0 = no draft model
  readonly threads?: number | undefined;
  readonly now: () => number; // ms
}

/** @throws ResourceError when the memory does not suffice; nothing is left behind */
export async function openCache(
  { target, draft }: { target: Model; draft: Model | undefined },
  { capacity, targetSequences, draftSequences, threads, now }: CacheOptions,
): Promise<CacheManager> {
  const targetContext = await target.createContext({ capacity, sequences: targetSequences, threads });
  if (!draft || draftSequences === 0) return new CacheManager(new ModelCache(targetContext, now));
  try {
    const draftContext = await draft.createContext({ capacity, sequences: draftSequences, threads });
    return new CacheManager(new ModelCache(targetContext, now), new ModelCache(draftContext, now));
  } catch (error) {
    await targetContext.dispose();
    throw error;
  }
}
