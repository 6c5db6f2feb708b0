import { basename } from 'node:path';
import { openInstalled } from '../src/engine/direct/installed.js';
import { MODEL_DEFAULTS } from '../src/engine/direct/layout.js';
import { directTemplateEntries, directVocabulary } from '../src/engine/direct/vocabulary.js';
import { templateOrigin } from '../src/engine/llama/template-origin.js';
import type { Vocabulary } from '../src/engine/llama/vocabulary.js';
import type { TemplateOrigin } from '../src/templates/open-template.js';

/** The vocabulary of a model file, without weights. */
export interface OpenVocabulary {
  readonly vocabulary: Vocabulary;
  readonly template: TemplateOrigin;
  dispose(): Promise<void>;
}

export async function openVocabulary(path: string): Promise<OpenVocabulary> {
  const { library } = await openInstalled({ gpu: 'off' });
  const model = await library.modelLoad(path, { ...MODEL_DEFAULTS, vocab_only: true });
  if (model === null) throw new Error(`llama.cpp cannot load ${path}`);
  const vocabulary = directVocabulary(library, () => model);
  return {
    vocabulary,
    template: templateOrigin(directTemplateEntries(library, model, vocabulary), basename(path)),
    dispose: () => library.modelFree(model),
  };
}
