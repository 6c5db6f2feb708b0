import { type LlamaModel, LlamaVocabularyType, type Token } from 'node-llama-cpp';
import type { TemplateEntries } from '../llama/template-origin.js';
import { VOCABULARY_KINDS, type Vocabulary } from '../llama/vocabulary.js';

/** @returns the vocabulary of a model that node-llama-cpp has loaded */
export function bindingsVocabulary(model: LlamaModel): Vocabulary {
  const { bos, eos, eot, shouldPrependBosToken } = model.tokens;
  const { names, tokenizer } = templateEntries(model);
  return {
    kind: VOCABULARY_KINDS.find((kind) => LlamaVocabularyType[kind] === model.vocabularyType) ?? 'none',
    isByteLevel: tokenizer === 'gpt2',
    size: names.length,
    names,
    leading: bos !== null && shouldPrependBosToken ? bos : undefined,
    ends: [eos, eot].filter((token) => token !== null),
    tokenize: (text, special) => model.tokenize(text, special),
    detokenize: (tokens, special) => model.detokenize(tokens as Token[], special),
    attributesOf: (token) => model.getTokenAttributes(token as Token),
    isEndOfGeneration: (token) => model.isEogToken(token as Token),
  };
}

export function templateEntries({ fileInfo }: LlamaModel): TemplateEntries {
  const { ggml, chat_template: template } = fileInfo.metadata.tokenizer ?? {};
  return {
    template: typeof template === 'string' ? template : undefined,
    tokenizer: ggml?.model,
    names: ggml?.tokens ?? [],
    bos: ggml?.bos_token_id,
    eos: ggml?.eos_token_id,
  };
}
