import { totalmem } from 'node:os';
import type { GgufInsights } from 'node-llama-cpp';
import { ResourceError } from '../../errors.js';
import type { ContextOptions } from '../passes.js';
import type { CacheType } from '../runtime-options.js';
import { BATCH_SIZE, defaultFlashAttention, ggmlType, MAX_THREADS, type ModelShape } from './sizing.js';

/** A number of cells that llama.cpp cannot count. */
const MAX_CELLS = 2 ** 31 - 1;

/** The most sequences of llama.cpp (LLAMA_MAX_SEQ). */
const MAX_SEQUENCES = 256;

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

/** Tokens of a pass on the processor: one for each sequence is the most that any context asks for. */
const LARGEST_BATCH = MAX_SEQUENCES;

/** The largest state of a recurrent layer, in bytes per number of the embedding: twice what Mamba 2 has with 256 of them. */
const STATE_BYTES = 4096;

/**
 * @returns bytes that a context on the processor stays below, from the model's shape alone: a cache of F32 for every head and
 *   layer, scores of all heads without flash attention, and numbers for a batch. Where layers differ in their heads it may be
 *   too low, by less than half
 */
export function mostMemory(
  { layers, width, heads, headSize, vocabularySize }: ModelShape,
  { cells, states = 0 }: Pick<ContextSize, 'cells' | 'states'>,
): number {
  const row = Math.max(width, heads * headSize || 0);
  const cache = 4 * 2 * row * layers * cells;
  const pass = 4 * LARGEST_BATCH * (4 * heads * cells + 64 * row + 2 * vocabularySize);
  return cache + pass + STATE_BYTES * width * layers * states;
}

/**
 * Refuses a context that llama.cpp cannot count, or that exceeds the memory: llama.cpp would take all memory before it
 * failed.
 * @param ownSequences sequences that the engine itself needs
 * @throws ResourceError; RangeError for an impossible number of tokens, sequences or threads
 */
export async function refuseTooLarge(
  model: ModelShape,
  { capacity, sequences, threads = 1, cacheType, flashAttention: wanted }: ContextOptions,
  { cells, states, layers, gpuLayers, ownSequences = 0 }: ContextSize & { readonly ownSequences?: number },
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
  if (gpuLayers === 0 && mostMemory(model, { cells, states }) < totalmem() / 2) return; // loading node-llama-cpp takes longer than all the rest
  const insights = await model.insights();
  const flashAttention = wanted ?? defaultFlashAttention(model, gpuLayers, cacheType);
  const needed = contextMemory(insights, { cells, states, layers, gpuLayers, cacheType, flashAttention });
  const refuse = (bytes: number, whose: string, total: number) => {
    if (bytes > total)
      throw new ResourceError(
        `${what} for ${model.filename} needs ${gigabytes(bytes)} of memory, and ${whose} ${gigabytes(total)}; ` +
          'use a smaller `contextSize` or `beamWidth`',
      );
  };
  refuse(needed.ram, 'this machine has', totalmem());
  if (gpuLayers > 0) refuse(needed.vram, 'its GPUs have', await model.gpuMemory());
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
