/** The vocabularies that llama.cpp brings along: models without weights. */
import { readdirSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { LlamaModel } from 'node-llama-cpp';
import { VOCABULARIES } from '../../scripts/check-vocabularies.js';
import { withBundledFiles } from '../../scripts/llama-bundle.js';
import { sharedLlama } from '../../src/engine/llama/shared-llama.js';

/** The vocabularies, each loaded once: reading a large one takes seconds. */
export class Vocabularies {
  readonly #folder: string;
  readonly #loaded = new Map<string, Promise<LlamaModel>>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<Vocabularies> {
    const folder = await mkdtemp(join(tmpdir(), 'mtad-vocabularies-'));
    await withBundledFiles([VOCABULARIES], (from) => cp(join(from, 'models'), folder, { recursive: true }));
    return new Vocabularies(folder);
  }

  /** All names, as `command-r`. */
  get names(): string[] {
    return readdirSync(this.#folder)
      .map((file) => basename(file, '.gguf').replace('ggml-vocab-', ''))
      .sort();
  }

  load(name: string): Promise<LlamaModel> {
    const known = this.#loaded.get(name);
    if (known) return known;
    const model = this.#read(name);
    this.#loaded.set(name, model);
    return model;
  }

  async loadAll<Name extends string>(names: readonly Name[]): Promise<Record<Name, LlamaModel>> {
    const models: Partial<Record<Name, LlamaModel>> = {};
    for (const name of names) models[name] = await this.load(name);
    return models as Record<Name, LlamaModel>;
  }

  async close(): Promise<void> {
    for (const model of this.#loaded.values()) await (await model).dispose();
    await rm(this.#folder, { recursive: true });
  }

  async #read(name: string): Promise<LlamaModel> {
    const llama = await sharedLlama('off');
    const modelPath = join(this.#folder, `ggml-vocab-${name}.gguf`);
    return llama.loadModel({ modelPath, vocabOnly: true, gpuLayers: 0 });
  }
}
