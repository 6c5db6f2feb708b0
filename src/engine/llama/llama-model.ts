import { basename } from 'node:path';
import {
  type GgufInsights,
  InsufficientMemoryError,
  type Llama,
  type LlamaModel,
  type LlamaModelOptions,
} from 'node-llama-cpp';
import { ModelFileError, ResourceError } from '../../errors.js';
import type { Complaints } from './complaints.js';

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

/** @returns the error for a model that llama.cpp could not load */
export async function loadFailure(path: string, cause: unknown, complaints: Complaints): Promise<Error> {
  const reason = await complaints.summary(cause);
  const Failure = /alloc|out of memory/i.test(reason) ? ResourceError : ModelFileError;
  return new Failure(`llama.cpp cannot load ${path}: ${reason}`, { cause });
}

/**
 * Refuses models with recurrent layers. node-llama-cpp cannot roll back their states, as each rejected draft requires.
 * @throws ModelFileError
 */
export function refuseWithoutRollback(insights: GgufInsights, path: string): void {
  if (insights.isRecurrent || insights.isHybrid)
    throw new ModelFileError(
      `${basename(path)} is a ${insights.ggufFileInfo.metadata.general.architecture} model, whose recurrent state the engine bindings cannot roll back, ` +
        'as a rejected draft needs; use `engine` direct',
    );
}
