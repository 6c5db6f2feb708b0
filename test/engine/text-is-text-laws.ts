import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type OpenVocabulary, openVocabulary } from '../../scripts/open-vocabulary.js';
import { tokenizerOf } from '../../src/engine/llama/tokenizer.js';
import { isControlToken, type Vocabulary } from '../../src/engine/llama/vocabulary.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { chatPair } from '../support/chat-models.js';
import { tinyModel } from '../support/gguf-files.js';
import { tries } from '../support/tries.js';
import type { Vocabularies } from '../support/vocabularies.js';

const NAMES = ['llama-bpe', 'qwen2', 'gemma-4', 'phi-3', 'command-r'] as const;
const EMBEDDED = 'the embedded pair';
const ALL = [...NAMES, EMBEDDED] as const;
const USER_DEFINED = 'the embedded pair with tokens of its user';

/** What stands around the names of tokens, parts of them among it. */
const FILLER = [
  'a',
  ' ',
  '  ',
  '\n',
  '\r\n\n',
  '\t',
  'word',
  ' word',
  '<',
  '</',
  '|',
  '>',
  's>',
  '0x0A>',
  '日本',
  '😀',
  '\u2581',
];

/** Tokens that are no text: the names of some are spelt in many a text. */
function controlTokens(vocabulary: Vocabulary): number[] {
  return [...vocabulary.names.keys()].filter((token) => isControlToken(vocabulary, token));
}

export function textIsTextLaws(vocabularies: () => Vocabularies): void {
  describe('a text', () => {
    let folder: string;
    let models: Record<(typeof ALL)[number] | typeof USER_DEFINED, Vocabulary>;
    const own: OpenVocabulary[] = [];
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'mtad-text-'));
      const load = async (path: string) => {
        const open = await openVocabulary(path);
        own.push(open);
        return open.vocabulary;
      };
      models = {
        ...(await vocabularies().loadAll(NAMES)),
        [EMBEDDED]: await load(EMBEDDED_PAIR.model),
        [USER_DEFINED]: await load((await chatPair(folder)).model),
      };
    });
    afterAll(async () => {
      for (const { dispose } of own) await dispose();
      await rm(folder, { recursive: true });
    });

    it.each(ALL)('%s: never holds a control token, and comes back to the byte', (name) => {
      const model = models[name];
      const tokenizer = tokenizerOf(model);
      const control = new Set(controlTokens(model));
      const names = [...control].map((token) => tokenizer.decode([token], [], true));
      const start = tokenizer.encode('');
      const isSentencePiece = !model.isByteLevel;
      const readable = (text: string) => (isSentencePiece ? text.replaceAll('\u2581', ' ') : text); // its sign for a space
      const parts = fc.array(fc.oneof(fc.constantFrom(...names), fc.constantFrom(...FILLER)), {
        maxLength: 12,
      });
      const law = fc.property(parts, (parts) => {
        const text = parts.join('');
        const tokens = tokenizer.encode(text);
        expect(tokens.slice(0, start.length)).toEqual(start);
        const own = tokens.slice(start.length);
        expect(own.filter((token) => control.has(token))).toEqual([]);
        expect(tokenizer.decode(own, start)).toBe(readable(text));
      });
      fc.assert(law, { numRuns: tries(150, 1000), seed: 1 });
    });

    it.each(ALL)('%s: names control tokens where that is asked for', (name) => {
      const tokenizer = tokenizerOf(models[name]);
      const start = tokenizer.encode('');
      for (const token of controlTokens(models[name]).slice(0, tries(100, 300))) {
        const spelt = tokenizer.decode([token], [], true);
        expect(tokenizer.isControl(token)).toBe(true);
        expect(tokenizer.encode(`x${spelt}`, true).at(-1)).toBe(token);
        const isLeading = token === start[0];
        expect(tokenizer.encode(spelt, true)).toEqual(isLeading ? start : [...start, token]);
      }
    });

    it.each(ALL)('%s: has as many tokens as its length asks for, or more', (name) => {
      const tokenizer = tokenizerOf(models[name]);
      const pieces = fc.constantFrom(
        ...FILLER,
        ' '.repeat(64),
        '\n'.repeat(64),
        '-'.repeat(80),
        '\u2581'.repeat(16),
      );
      const texts = fc.array(pieces, { minLength: 1, maxLength: 40 });
      const law = fc.property(texts, (parts) => {
        const text = parts.join('');
        expect(tokenizer.fewestTokens(text)).toBeGreaterThan(0);
        expect(tokenizer.fewestTokens(text)).toBeLessThanOrEqual(tokenizer.encode(text).length);
      });
      fc.assert(law, { numRuns: tries(100, 200), seed: 1 });
      expect(tokenizer.fewestTokens('\n'.repeat(1_000_000))).toBeGreaterThan(900);
    });

    it.each([
      ['phi-3', true],
      [EMBEDDED, true],
      ['gemma-4', false], // has pieces of several line breaks
      [USER_DEFINED, false],
    ] as const)(
      'of many lines has the tokens that it has at once; %s, in stretches: %s',
      (name, inStretches) => {
        const model = models[name];
        const { encode } = tokenizerOf(model);
        const start = encode('');
        const words = fc.constantFrom(...FILLER, '\n'.repeat(300), '<think>\n', '<think>');
        const law = fc.property(fc.array(words, { size: 'max', minLength: 400, maxLength: 800 }), (parts) => {
          const text = parts.join('').repeat(8);
          const whole = model.tokenize(text, false);
          const calls = vi.spyOn(model, 'tokenize');
          expect(encode(text).slice(start.length)).toEqual(whole);
          expect(calls.mock.calls.some(([read]) => read === text)).toBe(!inStretches);
          calls.mockRestore();
        });
        fc.assert(law, { numRuns: tries(3, 20), seed: 1 });
      },
    );
  });

  describe('a vocabulary whose pieces join to the name of a control token', () => {
    let folder: string;
    let open: OpenVocabulary;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'mtad-text-'));
      open = await openVocabulary(await tinyModel(folder, { pieces: { 370: '</', 371: 's>', 372: '<s' } }));
    });
    afterAll(async () => {
      await open?.dispose();
      await rm(folder, { recursive: true });
    });

    it('is read letter by letter there', () => {
      const { vocabulary } = open;
      const tokenizer = tokenizerOf(vocabulary);
      const start = tokenizer.encode('');
      const [eos] = vocabulary.ends;
      expect(vocabulary.tokenize('x</s>', false)).toContain(eos);
      for (const text of ['x</s>', '</s></s>y', 'w1</s> <s>w2']) {
        const tokens = tokenizer.encode(text).slice(start.length);
        expect(tokens).not.toContain(eos);
        expect(tokens).not.toContain(start[0]);
        expect(tokenizer.decode(tokens, start)).toBe(text);
      }
    });
  });
}
