/** The vocabularies that llama.cpp brings along: models without weights. */
import { readdirSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { VOCABULARIES } from '../../scripts/check-vocabularies.js';
import { withBundledFiles } from '../../scripts/llama-bundle.js';
import { type OpenVocabulary, openVocabulary } from '../../scripts/open-vocabulary.js';
import type { Vocabulary } from '../../src/engine/llama/vocabulary.js';

/** The vocabularies, each loaded once: reading a large one takes seconds. */
export class Vocabularies {
  readonly #folder: string;
  readonly #loaded = new Map<string, Promise<OpenVocabulary>>();

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

  load(name: string): Promise<OpenVocabulary> {
    const known = this.#loaded.get(name);
    if (known) return known;
    const model = openVocabulary(this.pathOf(name));
    this.#loaded.set(name, model);
    return model;
  }

  async loadAll<Name extends string>(names: readonly Name[]): Promise<Record<Name, Vocabulary>> {
    const all: Partial<Record<Name, Vocabulary>> = {};
    for (const name of names) all[name] = (await this.load(name)).vocabulary;
    return all as Record<Name, Vocabulary>;
  }

  async close(): Promise<void> {
    for (const model of this.#loaded.values()) await (await model).dispose();
    await rm(this.#folder, { recursive: true });
  }

  pathOf(name: string): string {
    return join(this.#folder, `ggml-vocab-${name}.gguf`);
  }
}
