import { availableParallelism, totalmem } from 'node:os';
import { GgmlType, type GgufInsights, type LlamaModel } from 'node-llama-cpp';
import { ResourceError, UsageError } from '../../errors.js';
import { type CacheType, type ContextOptions, needsFlashAttention } from '../port.js';

/** A smaller model fits the processor's caches. Waiting for a second thread then costs more time than it saves. */
const TINY_BYTES = 64 * 2 ** 20;

/** Tokens of one pass over a long prompt: enough to keep the device busy, few enough to interrupt soon. */
export const BATCH_SIZE = { cpu: 128, gpu: 512 };

/** A number of cells that llama.cpp cannot count. */
const MAX_CELLS = 2 ** 31 - 1;

/** The most sequences of llama.cpp (LLAMA_MAX_SEQ). */
const MAX_SEQUENCES = 256;

/** The most threads of ggml (GGML_MAX_N_THREADS). */
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

/** On average: quantised numbers lie in blocks of 32. node-llama-cpp 3.21.1 wrongly counts a block for each number. */
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

/** @returns llama.cpp's number of a cache type */
export function ggmlType(type: CacheType = 'f16'): GgmlType {
  return GGML_TYPES[type];
}

/** @returns whether the processor's caches hold the model */
export function isTiny({ fileInsights }: Pick<LlamaModel, 'fileInsights'>): boolean {
  return fileInsights.modelSize < TINY_BYTES;
}

/** @returns the number of threads; 1 where the processor has little to do, since waiting threads cost time and energy */
export function defaultThreads(model: LlamaModel, gpuLayers: number): number {
  const { fileInsights, llama } = model;
  if (isTiny(model) || gpuLayers >= fileInsights.totalLayers) return 1;
  return Math.min(llama.cpuMathCores, availableParallelism(), MAX_THREADS);
}

/**
 * Numbers of a head from which on flash attention is no slower on the processor. ggml takes 64 of them at once there, and a
 * rest one by one: with 32, a draft pass of 4 beams behind 282 tokens takes about twice as long as without (docs/engines.md has
 * the command). Of a large model the attention is a small part, and wide passes are faster with it.
 */
const WHOLE_HEAD = 64;

/** @returns whether to use flash attention where nobody says; undefined: llama.cpp decides */
export function defaultFlashAttention(
  model: Pick<LlamaModel, 'fileInfo' | 'fileInsights'>,
  gpuLayers: number,
  cacheType: CacheType | undefined,
): boolean | undefined {
  if (gpuLayers > 0 || needsFlashAttention(cacheType) || !isTiny(model)) return undefined;
  const { embedding_length: width, attention } = model.fileInfo.architectureMetadata ?? {};
  const headSize = attention?.key_length ?? (width ?? Number.NaN) / Number(attention?.head_count);
  return headSize < WHOLE_HEAD ? false : undefined;
}

/** Memory needs in bytes. */
export interface MemoryNeed {
  readonly ram: number;
  /** 0: no layer is on a GPU. */
  readonly vram: number;
}

/** What a context is to hold. */
export interface ContextSize {
  /** Tokens of all sequences together. */
  readonly cells: number;
  /** States of recurrent layers, of all sequences together; undefined or 0: there are none. */
  readonly states?: number | undefined;
  /** Layers that it is for, the last ones; undefined: all. */
  readonly layers?: number | undefined;
  readonly gpuLayers: number;
}

/** Cells of a small context, in llama.cpp's steps of 256 for each of two sequences. */
const SMALL = 512;

/** @returns node-llama-cpp's estimate of a context's memory: KV cache, states of recurrent layers, compute buffers */
export function contextMemory(
  insights: GgufInsights,
  {
    cells,
    states = 0,
    layers = insights.totalLayers,
    gpuLayers,
    cacheType,
    flashAttention,
  }: Pick<ContextOptions, 'cacheType' | 'flashAttention'> & ContextSize,
): MemoryNeed {
  const size = { gpuLayers, contextSize: cells, flashAttention };
  const [half, whole] = [estimate(insights, 'f16', size), estimate(insights, 'f32', size)]; // 2 bytes apart per number in the cache
  const share = BYTES_PER_NUMBER[cacheType ?? 'f16'] / 2 - 1;
  const more = statesMemory(insights, Math.max(0, states - 1), gpuLayers);
  const need = (side: keyof MemoryNeed) => {
    const cache = half[side] + share * (whole[side] - half[side]);
    return Math.ceil((layers / insights.totalLayers) * cache + more[side]);
  };
  return { ram: need('ram'), vram: need('vram') };
}

/** @returns the memory of so many states of all recurrent layers */
export function statesMemory(insights: GgufInsights, states: number, gpuLayers: number): MemoryNeed {
  const one = estimate(insights, 'f16', { gpuLayers, contextSize: SMALL });
  const two = estimate(insights, 'f16', { gpuLayers, contextSize: SMALL / 2, sequences: 2 }); // as many cells, a state more
  return { ram: states * (two.ram - one.ram), vram: states * (two.vram - one.vram) };
}

/** node-llama-cpp's estimate. Its successor simulates the context, which takes half a minute for the sizes that matter here. */
function estimate(
  insights: GgufInsights,
  cacheType: 'f16' | 'f32',
  {
    gpuLayers,
    contextSize,
    sequences = 1,
    flashAttention = true,
  }: { gpuLayers: number; contextSize: number; sequences?: number; flashAttention?: boolean | undefined },
): MemoryNeed {
  const { cpuRam, gpuVram } = insights.estimateContextResourceRequirements({
    contextSize,
    modelGpuLayers: gpuLayers,
    sequences,
    batchSize: gpuLayers > 0 ? BATCH_SIZE.gpu : BATCH_SIZE.cpu,
    flashAttention,
    swaFullCache: true,
    kvCacheKeyType: ggmlType(cacheType),
    kvCacheValueType: ggmlType(cacheType),
  });
  return { ram: cpuRam, vram: gpuVram };
}

/**
 * Refuses a context that llama.cpp cannot count, or that exceeds the memory: llama.cpp would take all memory before it
 * failed.
 * @param ownSequences sequences that the engine itself needs
 * @throws ResourceError; RangeError for an impossible number of tokens, sequences or threads
 */
export async function refuseTooLarge(
  model: LlamaModel,
  { capacity, sequences, threads = 1, cacheType, flashAttention: wanted }: ContextOptions,
  { cells, states, layers, gpuLayers, ownSequences = 0 }: ContextSize & { readonly ownSequences?: number },
): Promise<void> {
  const { fileInsights, filename, llama } = model;
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
  const flashAttention = wanted ?? defaultFlashAttention(model, gpuLayers, cacheType);
  const needed = contextMemory(fileInsights, {
    cells,
    states,
    layers,
    gpuLayers,
    cacheType,
    flashAttention,
  });
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

/** @returns the error for a context that llama.cpp could not make */
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
