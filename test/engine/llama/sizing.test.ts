import { availableParallelism } from 'node:os';
import type { LlamaModel } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { defaultThreads } from '../../../src/engine/llama/sizing.js';

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
