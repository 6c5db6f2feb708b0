import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { openInstalled } from '../../../src/engine/direct/installed.js';
import { MODEL_DEFAULTS } from '../../../src/engine/direct/layout.js';
import { directShape } from '../../../src/engine/direct/shape.js';
import { contextMemory, mostMemory } from '../../../src/engine/llama/memory-need.js';
import { defaultFlashAttention, defaultThreads, type ModelShape } from '../../../src/engine/llama/sizing.js';

const model = (bytes: number) => ({ bytes, layers: 33, mathCores: () => 2 }) as ModelShape;

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
  const heads = (headSize: number, bytes = 1e6) => ({ ...model(bytes), headSize });
  const small = heads(32);
  it.each([
    { what: 'off for small heads on the processor', model: small, gpuLayers: 0, expected: false },
    { what: "llama.cpp's on a GPU", model: small, gpuLayers: 1, expected: undefined },
    {
      what: "llama.cpp's for larger heads",
      model: heads(96),
      gpuLayers: 0,
      expected: undefined,
    },
    {
      what: "llama.cpp's for heads of just that size",
      model: heads(64),
      gpuLayers: 0,
      expected: undefined,
    },
    {
      what: "llama.cpp's for a large model, whose wide passes want it",
      model: heads(32, 650e6),
      gpuLayers: 0,
      expected: undefined,
    },
    {
      what: "llama.cpp's where the file tells nothing",
      model: heads(Number.NaN),
      gpuLayers: 0,
      expected: undefined,
    },
  ])('is $what', ({ model, gpuLayers, expected }) => {
    expect(defaultFlashAttention(model, gpuLayers, undefined)).toBe(expected);
  });

  it('stays on for a KV cache that needs it', () => {
    expect(defaultFlashAttention(small, 0, 'q8_0')).toBeUndefined();
    expect(defaultFlashAttention(small, 0, 'f32')).toBe(false);
  });
});

describe('the memory of a context, from the shape of a model alone', () => {
  it.each(['gguf/stories-target-f16.gguf', 'gguf/stories-draft-f16.gguf', 'gguf/stories-hybrid-f16.gguf'])(
    'is never less than the estimate by the header; %s',
    async (path) => {
      const installed = await openInstalled({ gpu: 'off' });
      const { library } = installed;
      const model = (await library.modelLoad(path, MODEL_DEFAULTS))!;
      const shape = directShape(path, model, installed);
      const insights = await shape.insights();
      for (const cells of [16, 1024, 1_000_000])
        for (const states of [0, 1, 40])
          for (const flashAttention of [false, true]) {
            const { ram } = contextMemory(insights, {
              cells,
              states,
              gpuLayers: 0,
              flashAttention,
              cacheType: 'f32',
            });
            expect(mostMemory(shape, { cells, states })).toBeGreaterThan(ram);
          }
      await library.modelFree(model);
    },
  );
});
