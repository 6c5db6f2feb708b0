/** How the contexts of two models are evaluated. */
export interface RuntimeOptions {
  /** Number of threads, in [1..processors]; undefined: the engine chooses. */
  readonly threads?: number | undefined;
  /** Number of threads for the draft model; undefined: as `threads`. */
  readonly draftThreads?: number | undefined;
  /** Number format of both KV caches; undefined: f16. Formats with at most 8 bits need flash attention. */
  readonly cacheType?: CacheType | undefined;
  /** Undefined: on, if llama.cpp has it for this model and device, and it is no slower there. */
  readonly flashAttention?: boolean | undefined;
}

/** Number formats of a KV cache. */
export const CACHE_TYPES = ['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0'] as const;
/** A number format of a KV cache. */
export type CacheType = (typeof CACHE_TYPES)[number];

/** Whether llama.cpp has a KV cache of this format only with flash attention. Undefined: the default format. */
export function needsFlashAttention(cacheType: CacheType | undefined): boolean {
  return cacheType?.startsWith('q') ?? false;
}
