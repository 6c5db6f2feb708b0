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
 * @throws ModelFileError when llama.cpp cannot load the file or its state cannot be rolled back; ResourceError when
 *   the memory does not suffice
 */
export async function loadLlamaModel(
  llama: Llama,
  options: LlamaModelOptions,
  complaints: Complaints,
): Promise<LlamaModel> {
  complaints.clear();
  let model: LlamaModel;
  try {
    model = await llama.loadModel(options);
  } catch (error) {
    if (options.loadSignal?.aborted) throw error;
    throw error instanceof InsufficientMemoryError
      ? new ResourceError(error.message, { cause: error })
      : await loadFailure(options.modelPath, error, complaints);
  }
  try {
    refuseWithoutRollback(model.fileInsights, options.modelPath);
    return model;
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/** @returns the error for a model that llama.cpp could not load */
export async function loadFailure(path: string, cause: unknown, complaints: Complaints): Promise<Error> {
  const reason = await complaints.summary(cause);
  const Failure = /alloc|out of memory/i.test(reason) ? ResourceError : ModelFileError;
  return new Failure(`llama.cpp cannot load ${path}: ${reason}`, { cause });
}

/**
 * Refuses models with recurrent state. It cannot be rolled back to an earlier token, as each rejected draft requires.
 * @throws ModelFileError
 */
export function refuseWithoutRollback(insights: GgufInsights, path: string): void {
  if (insights.isRecurrent || insights.isHybrid)
    throw new ModelFileError(
      `${basename(path)} is a ${insights.ggufFileInfo.metadata.general.architecture} model: its recurrent state cannot be rolled back, ` +
        'which a rejected draft needs; use a transformer model',
    );
}
