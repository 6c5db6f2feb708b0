import { availableParallelism, totalmem } from 'node:os';
import { GgmlType, type GgufInsights, type LlamaModel } from 'node-llama-cpp';
import { ResourceError, UsageError } from '../../errors.js';
import type { CacheType, ContextOptions } from '../port.js';

/** Models smaller than this are read from the processor's caches, where waiting for a second thread costs more than it brings. */
const SINGLE_THREAD_BYTES = 64 * 2 ** 20;

/** Tokens per evaluation of a long prompt: enough to keep the device busy, few enough to be interrupted. */
export const BATCH_SIZE = { cpu: 128, gpu: 512 };

/** More cells than llama.cpp counts. */
const MAX_CELLS = 2 ** 31 - 1;

/** Sequences that llama.cpp tells apart (LLAMA_MAX_SEQ). */
const MAX_SEQUENCES = 256;

/** Threads that ggml starts (GGML_MAX_N_THREADS). */
const MAX_THREADS = 512;

const GGML_TYPES: Record<CacheType, GgmlType> = {
  f32: GgmlType.F32,
  f16: GgmlType.F16,
  bf16: GgmlType.BF16,
  q8_0: GgmlType.Q8_0,
  q5_1: GgmlType.Q5_1,
  q5_0: GgmlType.Q5_0,
  q4_1: GgmlType.Q4_1,
  q4_0: GgmlType.Q4_0,
};

/** On average: quantised numbers lie in blocks of 32. node-llama-cpp 3.21.1 reckons with a block for each. */
const BYTES_PER_NUMBER: Record<CacheType, number> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  q8_0: 34 / 32,
  q5_1: 24 / 32,
  q5_0: 22 / 32,
  q4_1: 20 / 32,
  q4_0: 18 / 32,
};

/** llama.cpp's number of a cache type. */
export function ggmlType(type: CacheType = 'f16'): GgmlType {
  return GGML_TYPES[type];
}

/** One where the processor has next to nothing to do: threads that wait for work cost time and energy. */
export function defaultThreads({ fileInsights, llama }: LlamaModel, gpuLayers: number): number {
  if (fileInsights.modelSize < SINGLE_THREAD_BYTES || gpuLayers >= fileInsights.totalLayers) return 1;
  return Math.min(llama.cpuMathCores, availableParallelism(), MAX_THREADS);
}

/** Bytes on each side of the machine. */
export interface MemoryNeed {
  readonly ram: number;
  /** 0 where no layer is on a GPU. */
  readonly vram: number;
}

/** What a context takes by node-llama-cpp's reckoning: KV cache of `cells` tokens and the buffers to compute with. */
export function contextMemory(
  insights: GgufInsights,
  {
    cells,
    gpuLayers,
    cacheType,
    flashAttention,
  }: Pick<ContextOptions, 'cacheType' | 'flashAttention'> & { cells: number; gpuLayers: number },
): MemoryNeed {
  // Its successor simulates the context, which takes half a minute for the sizes that matter here.
  const needs = (type: 'f16' | 'f32') =>
    insights.estimateContextResourceRequirements({
      contextSize: cells,
      modelGpuLayers: gpuLayers,
      sequences: 1,
      batchSize: gpuLayers > 0 ? BATCH_SIZE.gpu : BATCH_SIZE.cpu,
      flashAttention: flashAttention ?? true,
      swaFullCache: true,
      kvCacheKeyType: ggmlType(type),
      kvCacheValueType: ggmlType(type),
    });
  const [half, whole] = [needs('f16'), needs('f32')]; // 2 bytes apart per number in the cache
  const share = BYTES_PER_NUMBER[cacheType ?? 'f16'] / 2 - 1;
  const need = (side: 'cpuRam' | 'gpuVram') => Math.ceil(half[side] + share * (whole[side] - half[side]));
  return { ram: need('cpuRam'), vram: need('gpuVram') };
}

/**
 * Refuses, before llama.cpp tries, what it cannot count or what the machine has no memory for: it would take all there
 * is before it gave up.
 * @param cells tokens held in all
 * @param ownSequences that the engine needs beside those asked for
 * @throws ResourceError, and RangeError for what is no number of tokens, sequences or threads
 */
export async function refuseTooLarge(
  { fileInsights, filename, llama }: LlamaModel,
  { capacity, sequences, threads = 1, cacheType, flashAttention }: ContextOptions,
  cells: number,
  gpuLayers: number,
  ownSequences = 0,
): Promise<void> {
  for (const [name, value] of Object.entries({ 'tokens per sequence': capacity, sequences, cells, threads }))
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`A context has a positive whole number of ${name}, not ${value}`);
  if (threads > MAX_THREADS)
    throw new RangeError(`llama.cpp runs on up to ${MAX_THREADS} threads, not on ${threads}`);
  const what = `A context of ${sequences} x ${capacity} tokens`;
  const most = MAX_SEQUENCES - ownSequences;
  if (sequences > most)
    throw new ResourceError(`${what} has more sequences than llama.cpp tells apart (${most})`);
  if (cells > MAX_CELLS) throw new ResourceError(`${what} is more than llama.cpp can count`);
  const needed = contextMemory(fileInsights, { cells, gpuLayers, cacheType, flashAttention });
  const refuse = (bytes: number, whose: string, total: number) => {
    if (bytes > total)
      throw new ResourceError(
        `${what} for ${filename} needs ${gigabytes(bytes)} of memory, and ${whose} ${gigabytes(total)}; ` +
          'use a smaller `contextSize` or `beamWidth`',
      );
  };
  refuse(needed.ram, 'this machine has', totalmem());
  if (gpuLayers > 0) refuse(needed.vram, 'its GPUs have', (await llama.getVramState()).total);
}

/** What to throw when llama.cpp has not made a context. */
export function contextFailure(
  { filename }: LlamaModel,
  { capacity, sequences }: ContextOptions,
  reason: string,
  cause?: unknown,
): Error {
  const what = `Cannot make a context of ${sequences} x ${capacity} tokens for ${filename}: ${reason}`;
  return /cache type|flash.attention|flash_attn/i.test(reason)
    ? new UsageError(`${what}; use \`cacheType\` f16 or \`flashAttention\` auto`, { cause })
    : new ResourceError(`${what}; use a smaller \`contextSize\` or \`beamWidth\``, { cause });
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
