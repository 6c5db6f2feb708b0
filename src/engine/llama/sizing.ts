import { availableParallelism } from 'node:os';
import type { GgmlType, GgufInsights } from 'node-llama-cpp';
import { ResourceError, UsageError } from '../../errors.js';
import type { ContextOptions } from '../passes.js';
import { type CacheType, needsFlashAttention } from '../runtime-options.js';

/** A smaller model fits the processor's caches. Waiting for a second thread then costs more time than it saves. */
const TINY_BYTES = 64 * 2 ** 20;

/** Tokens of one pass over a long prompt: enough to keep the device busy, few enough to interrupt soon. */
export const BATCH_SIZE = { cpu: 128, gpu: 512 };

/** The most threads of ggml (GGML_MAX_N_THREADS). */
export const MAX_THREADS = 512;

/** ggml's numbers (enum ggml_type). */
const GGML_TYPES: Record<CacheType, GgmlType> = {
  f32: 0,
  f16: 1,
  bf16: 30,
  q8_0: 8,
  q5_1: 7,
  q5_0: 6,
  q4_1: 3,
  q4_0: 2,
};

/** A loaded model, as far as the sizes of its contexts depend on it. */
export interface ModelShape {
  /** The file's name in messages. */
  readonly filename: string;
  /** As the file names it; undefined: it does not. */
  readonly architecture: string | undefined;
  /** Of its weights. */
  readonly bytes: number;
  /** Decoder layers, and the output as one more. */
  readonly layers: number;
  /** Numbers of an embedding. */
  readonly width: number;
  /** Attention heads of a layer. */
  readonly heads: number;
  /** Numbers of a head's key; NaN: there are no heads. */
  readonly headSize: number;
  readonly vocabularySize: number;
  /** @returns the number of cores that llama.cpp computes best with */
  mathCores(): number;
  /** @returns node-llama-cpp's reckoning for the file; it may first have to be loaded, which takes most of a second */
  insights(): Promise<GgufInsights>;
  /** @returns bytes of all GPUs together */
  gpuMemory(): Promise<number>;
}

/** @returns llama.cpp's number of a cache type */
export function ggmlType(type: CacheType = 'f16'): GgmlType {
  return GGML_TYPES[type];
}

/** @returns whether the processor's caches hold the model */
export function isTiny({ bytes }: Pick<ModelShape, 'bytes'>): boolean {
  return bytes < TINY_BYTES;
}

/** @returns the number of threads; 1 where the processor has little to do, since waiting threads cost time and energy */
export function defaultThreads(model: ModelShape, gpuLayers: number): number {
  if (isTiny(model) || gpuLayers >= model.layers) return 1;
  return Math.min(model.mathCores(), availableParallelism(), MAX_THREADS);
}

/**
 * Numbers of a head from which on flash attention is no slower on the processor. ggml takes 64 of them at once there, and a
 * rest one by one: with 32, a draft pass of 4 beams behind 282 tokens takes about twice as long as without (docs/engines.md has
 * the command). Of a large model the attention is a small part, and wide passes are faster with it.
 */
const WHOLE_HEAD = 64;

/** @returns whether to use flash attention where nobody says; undefined: llama.cpp decides */
export function defaultFlashAttention(
  model: Pick<ModelShape, 'bytes' | 'headSize'>,
  gpuLayers: number,
  cacheType: CacheType | undefined,
): boolean | undefined {
  if (gpuLayers > 0 || needsFlashAttention(cacheType) || !isTiny(model)) return undefined;
  return model.headSize < WHOLE_HEAD ? false : undefined;
}

/** @returns the error for a context that llama.cpp could not make */
export function contextFailure(
  { filename }: Pick<ModelShape, 'filename'>,
  { capacity, sequences }: ContextOptions,
  reason: string,
  cause?: unknown,
): Error {
  const what = `Cannot make a context of ${sequences} x ${capacity} tokens for ${filename}: ${reason}`;
  return /cache type|flash.attention|flash_attn/i.test(reason)
    ? new UsageError(`${what}; use \`cacheType\` f16 or \`flashAttention\` auto`, { cause })
    : new ResourceError(`${what}; use a smaller \`contextSize\` or \`beamWidth\``, { cause });
}
