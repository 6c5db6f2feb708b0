import { beforeAll, describe, expect, it } from 'vitest';
import { tidiesText, tokenBytes } from '../../../src/engine/llama/token-bytes.js';
import { tokenizerOf } from '../../../src/engine/llama/tokenizer.js';
import type { Vocabulary } from '../../../src/engine/llama/vocabulary.js';
import { tries } from '../../support/tries.js';
import type { Vocabularies } from '../../support/vocabularies.js';

/** Byte-level, byte-level with user-defined tokens, with U+2581 for spaces, WordPiece. */
const TIDIED = ['llama-bpe', 'gpt-neox', 'gemma-4', 'bert-bge'] as const;
const UNTIDIED = ['qwen2', 'command-r', 'llama-spm'] as const;

/** Each day every token up to this one, bytes and control tokens among them, and then each so many. */
const LEAST = 512;
const STRIDE = tries(7, 1);

const UNTIDY = ['ls .', 'x ? y : z !', "a ' b, you 're", '3 , 4'];

export const tokenBytesLaws = (vocabularies: () => Vocabularies) =>
  describe('tokenBytes', () => {
    let models: Record<(typeof TIDIED)[number] | (typeof UNTIDIED)[number], Vocabulary>;
    beforeAll(async () => {
      models = await vocabularies().loadAll([...TIDIED, ...UNTIDIED]);
    });

    it.each(TIDIED)('%s: reads tokens as llama.cpp does where there is nothing to tidy', (name) => {
      const model = models[name];
      const bytes = tokenBytes(model);
      const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
      const differences: unknown[] = [];
      for (const special of [false, true])
        for (let token = 0; token < model.size; token += token < LEAST ? 1 : STRIDE) {
          const ours = utf8.decode(bytes([token], special));
          const theirs = model.detokenize([token], special);
          if (ours !== theirs && !/ [?!.,']/.test(ours)) differences.push({ token, special, ours, theirs });
        }
      expect(differences).toEqual([]);
    });

    it.each(TIDIED)('is wanted for %s, whose text llama.cpp would tidy', (name) => {
      expect(tidiesText(models[name])).toBe(true);
      const tokens = models[name].tokenize('ls .', false);
      expect(models[name].detokenize(tokens, false)).not.toContain('ls .');
      expect(tokenizerOf(models[name]).decode(tokens, [])).toContain('ls .');
    });

    it.each(UNTIDIED)('is not wanted for %s', (name) => {
      expect(tidiesText(models[name])).toBe(false);
    });

    it.each(['llama-bpe', 'gpt-neox', 'gemma-4', ...UNTIDIED] as const)('%s: loses no space', (name) => {
      const tokenizer = tokenizerOf(models[name]);
      const start = tokenizer.encode('');
      for (const text of UNTIDY)
        expect(tokenizer.decode(tokenizer.encode(text).slice(start.length), start)).toBe(text);
    });
  });
