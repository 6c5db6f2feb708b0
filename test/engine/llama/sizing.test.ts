import { availableParallelism } from 'node:os';
import type { LlamaModel } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { defaultFlashAttention, defaultThreads } from '../../../src/engine/llama/sizing.js';

const model = (modelSize: number) =>
  ({ fileInsights: { modelSize, totalLayers: 33 }, llama: { cpuMathCores: 2 } }) as LlamaModel;

describe('the threads of a model, where none are asked for', () => {
  it.each([
    { what: 'on the processor', bytes: 5e9, gpuLayers: 0, threads: Math.min(2, availableParallelism()) },
    { what: 'partly on a GPU', bytes: 5e9, gpuLayers: 32, threads: Math.min(2, availableParallelism()) },
    { what: 'wholly on a GPU', bytes: 5e9, gpuLayers: 33, threads: 1 },
    { what: 'so small that the caches hold it', bytes: 11e6, gpuLayers: 0, threads: 1 },
  ])('are $threads for one $what', ({ bytes, gpuLayers, threads }) => {
    expect(defaultThreads(model(bytes), gpuLayers)).toBe(threads);
  });
});

describe('flash attention, where nobody says', () => {
  const heads = (metadata: object, bytes = 1e6) =>
    ({
      ...model(bytes),
      fileInfo: { architectureMetadata: { embedding_length: 96, ...metadata } },
    }) as unknown as LlamaModel;
  const small = heads({ attention: { head_count: 3 } });
  it.each([
    { what: 'off for small heads on the processor', model: small, gpuLayers: 0, expected: false },
    { what: "llama.cpp's on a GPU", model: small, gpuLayers: 1, expected: undefined },
    {
      what: "llama.cpp's for larger heads",
      model: heads({ attention: { head_count: 1 } }),
      gpuLayers: 0,
      expected: undefined,
    },
    {
      what: 'by the size of keys where the file tells it',
      model: heads({ attention: { head_count: 3, key_length: 64 } }),
      gpuLayers: 0,
      expected: undefined,
    },
    {
      what: "llama.cpp's for a large model, whose wide passes want it",
      model: heads({ attention: { head_count: 3 } }, 650e6),
      gpuLayers: 0,
      expected: undefined,
    },
    { what: "llama.cpp's where the file tells nothing", model: heads({}), gpuLayers: 0, expected: undefined },
  ])('is $what', ({ model, gpuLayers, expected }) => {
    expect(defaultFlashAttention(model, gpuLayers, undefined)).toBe(expected);
  });

  it('stays on for a KV cache that needs it', () => {
    expect(defaultFlashAttention(small, 0, 'q8_0')).toBeUndefined();
    expect(defaultFlashAttention(small, 0, 'f32')).toBe(false);
  });
});
