import { beforeAll, describe, expect, it } from 'vitest';
import { HARD_TEXTS } from '../../scripts/vocabulary-texts.js';
import { bindingsVocabulary, templateEntries } from '../../src/engine/bindings/vocabulary.js';
import { sharedLlama } from '../../src/engine/llama/shared-llama.js';
import { templateOrigin } from '../../src/engine/llama/template-origin.js';
import type { Vocabulary } from '../../src/engine/llama/vocabulary.js';
import { tries } from '../support/tries.js';
import type { Vocabularies } from '../support/vocabularies.js';

const NAMES = tries(
  ['llama-spm', 'bert-bge', 'gpt-neox'] as const,
  ['llama-spm', 'bert-bge', 'gpt-neox', 'qwen2', 'llama-bpe', 'gemma-4'] as const,
);

export const vocabularyAgreementLaws = (vocabularies: () => Vocabularies) =>
  describe('a vocabulary through node-llama-cpp', () => {
    let all: Record<(typeof NAMES)[number], Vocabulary>;
    beforeAll(async () => {
      all = await vocabularies().loadAll(NAMES);
    });

    it.each(NAMES)('%s: says what llama.cpp itself says', async (name) => {
      const direct = all[name];
      const llama = await sharedLlama('off');
      const modelPath = vocabularies().pathOf(name);
      const model = await llama.loadModel({ modelPath, vocabOnly: true, gpuLayers: 0 });
      const bindings = bindingsVocabulary(model);
      const { names, ...facts } = direct;
      expect(bindings).toMatchObject(
        Object.fromEntries(Object.entries(facts).filter(([, value]) => typeof value !== 'function')),
      );
      expect(bindings.names.filter((name, token) => name !== names[token])).toEqual([]);
      for (const text of HARD_TEXTS)
        for (const special of [false, true]) {
          const tokens = direct.tokenize(text, special);
          expect(bindings.tokenize(text, special)).toEqual(tokens);
          expect(bindings.detokenize(tokens, special)).toBe(direct.detokenize(tokens, special));
        }
      for (let token = 0; token < direct.size; token += 7) {
        expect(bindings.attributesOf(token)).toMatchObject(direct.attributesOf(token));
        expect(bindings.isEndOfGeneration(token)).toBe(direct.isEndOfGeneration(token));
      }
      const { template } = await vocabularies().load(name);
      expect(templateOrigin(templateEntries(model), template.model)).toEqual(template);
      await model.dispose();
    });
  });
