import { statSync } from 'node:fs';
import type { LlamaModel } from 'node-llama-cpp';
import { sharedLlama } from '../../src/engine/llama/shared-llama.js';
import { DEVICE } from './device.js';

const kept = new Map<string, Promise<LlamaModel>>(); // by file and its version

async function keep(): Promise<void> {
  const llama = await sharedLlama(DEVICE);
  const load = llama.loadModel.bind(llama);
  llama.loadModel = (options) => {
    if (!options.vocabOnly) return load(options);
    const { ino, mtimeMs, size } = statSync(options.modelPath);
    const key = `${options.modelPath} ${ino} ${mtimeMs} ${size}`;
    const known = kept.get(key);
    if (known) return known;
    const loading = load(options).then((model) => Object.assign(model, { dispose: async () => {} }));
    kept.set(key, loading);
    loading.catch(() => kept.delete(key));
    return loading;
  };
}

let keeping: Promise<void> | undefined;

/**
 * From now on command lines of this process read the vocabulary of a model file once and share it: reading one takes as
 * long as all else that a short command line does. Weights are loaded each time.
 */
export function keepVocabularies(): Promise<void> {
  keeping ??= keep();
  return keeping;
}
