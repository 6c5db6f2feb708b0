import { beforeAll, describe, expect, it } from 'vitest';
import { checkVocabulary, type VocabularyReport } from '../../scripts/check-vocabularies.js';
import { tries } from '../support/tries.js';
import type { Vocabularies } from '../support/vocabularies.js';

/** Byte-level ones like others that are looked at each day, which also take longest to read; `npm run test:all` looks at them too. */
const ALIKE = ['aquila', 'deepseek-coder', 'deepseek-llm', 'mpt', 'refact', 'starcoder'];

/** Nearly every file, since each has its own tokens for parts of characters. */
export const vocabularyLaws = (vocabularies: () => Vocabularies) =>
  describe('the vocabularies that llama.cpp brings along', () => {
    const reports: VocabularyReport[] = [];
    beforeAll(async () => {
      const all = vocabularies();
      const names = all.names.filter((name) => !tries(ALIKE, []).includes(name));
      for (const name of names)
        reports.push(checkVocabulary(name, (await all.load(name)).vocabulary, tries(10, 300)));
    }, 600_000);

    it('are all looked at, of each kind some', () => {
      expect(reports.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['llama-bpe', 'llama-spm', 'gemma-4', 'qwen2', 'bert-bge', 'nomic-bert-moe']),
      );
      expect(new Set(reports.map(({ kind }) => kind)).size).toBe(4);
      for (const { texts, tokens } of reports) expect(tokens).toBeGreaterThan(texts);
    });

    it('give token by token the text that they give at once, whatever the tokens', () => {
      for (const { name, streamedOtherwise } of reports)
        expect({ name, streamedOtherwise }).toEqual({ name, streamedOtherwise: [] });
    });

    it('never show a part of a character', () => {
      for (const { name, brokenPieces } of reports)
        expect({ name, brokenPieces }).toEqual({ name, brokenPieces: 0 });
    });

    it('give every text back but for what their kind cannot say', () => {
      for (const { name, changed } of reports) expect({ name, changed }).toEqual({ name, changed: [] });
    });

    it('lose nothing where they know every byte', () => {
      const whole = reports.filter(({ kind, name }) => kind === 'byte-level' && name !== 'falcon');
      for (const { fates, texts } of whole)
        expect(fates).toEqual({ exact: texts, normalised: 0, lost: 0, changed: 0 });
      for (const { fates } of reports.filter(({ kind }) => kind === 'sentencepiece'))
        expect(fates.lost).toBe(0);
    });
  });
