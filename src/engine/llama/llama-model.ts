import { InsufficientMemoryError, type Llama, type LlamaModel, type LlamaModelOptions } from 'node-llama-cpp';
import { ResourceError } from '../../errors.js';
import { type Complaints, loadFailure } from './complaints.js';
import type { ModelShape } from './sizing.js';

/**
 * Loads a model by node-llama-cpp.
 * @throws ModelFileError when llama.cpp cannot load the file; ResourceError when the memory does not suffice
 */
export async function loadLlamaModel(
  llama: Llama,
  options: LlamaModelOptions,
  complaints: Complaints,
): Promise<LlamaModel> {
  complaints.clear();
  try {
    return await llama.loadModel(options);
  } catch (error) {
    if (options.loadSignal?.aborted) throw error;
    throw error instanceof InsufficientMemoryError
      ? new ResourceError(error.message, { cause: error })
      : await loadFailure(options.modelPath, error, complaints);
  }
}

/** @returns the shape of a model that node-llama-cpp has loaded */
export function shapeOf({ filename, fileInfo, fileInsights, llama }: LlamaModel): ModelShape {
  const { embedding_length: width = 0, attention } = fileInfo.architectureMetadata ?? {};
  const heads = Number(attention?.head_count);
  return {
    filename: filename ?? 'the model',
    architecture: fileInfo.metadata.general.architecture,
    bytes: fileInsights.modelSize,
    layers: fileInsights.totalLayers,
    width,
    heads: heads || 0,
    headSize: attention?.key_length ?? width / heads,
    vocabularySize: fileInfo.metadata.tokenizer?.ggml?.tokens?.length ?? 0,
    mathCores: () => llama.cpuMathCores,
    insights: async () => fileInsights,
    gpuMemory: async () => (await llama.getVramState()).total,
  };
}
