import { basename } from 'node:path';
import type { GgufInsights } from 'node-llama-cpp';
import type { ModelShape } from '../llama/sizing.js';
import type { Pointer } from './declare.js';
import type { Installed } from './library.js';
import { metadataOf } from './vocabulary.js';

/** @returns the shape of a loaded model */
export function directShape(path: string, model: Pointer, installed: Installed): ModelShape {
  const { library } = installed;
  const { native: c } = library;
  const [width, heads]: number[] = [c.llama_model_n_embd!(model), c.llama_model_n_head!(model)];
  const architecture = metadataOf(c, model, 'general.architecture');
  const keyLength = metadataOf(c, model, `${architecture}.attention.key_length`);
  return {
    filename: basename(path),
    architecture,
    bytes: Number(c.llama_model_size!(model)),
    layers: c.llama_model_n_layer!(model) + 1,
    width: width!,
    heads: heads!,
    headSize: keyLength === undefined ? width! / (heads || Number.NaN) : Number(keyLength),
    vocabularySize: library.vocabularySize(model),
    mathCores: installed.mathCores,
    insights: () => insightsOfFile(path, installed),
    gpuMemory: async () => (await (await installed.llama()).getVramState()).total,
  };
}

/** @returns node-llama-cpp's reckoning for a model file */
export async function insightsOfFile(path: string, installed: Installed): Promise<GgufInsights> {
  const { GgufInsights, readGgufFileInfo } = await import('node-llama-cpp');
  return GgufInsights.from(
    await readGgufFileInfo(path, { sourceType: 'filesystem' }),
    await installed.llama(),
  );
}
