/** The vocabularies that llama.cpp brings along: models without weights. */
import { join } from 'node:path';
import type { LlamaModel } from 'node-llama-cpp';
import { withBundledFiles } from '../../scripts/llama-bundle.js';
import { sharedLlama } from '../../src/engine/llama/shared-llama.js';

/** Loads the named ones, as `command-r`, by their names. The caller disposes of them. */
export async function loadVocabularies<Name extends string>(
  ...names: readonly Name[]
): Promise<Record<Name, LlamaModel>> {
  const paths = names.map((name) => `models/ggml-vocab-${name}.gguf`);
  const llama = await sharedLlama('off');
  const load = async (modelPath: string) => llama.loadModel({ modelPath, vocabOnly: true, gpuLayers: 0 });
  return withBundledFiles(paths, async (folder) => {
    const models = await Promise.all(paths.map((path) => load(join(folder, path))));
    return Object.fromEntries(names.map((name, i) => [name, models[i]])) as Record<Name, LlamaModel>;
  });
}
