import { describe, expect, it } from 'vitest';
import { PairMismatchError } from '../../src/errors.js';
import { checkPair } from '../../src/models/check-pair.js';
import type { ModelHeader, Vocabulary } from '../../src/models/header.js';

const TOKENS = Array.from({ length: 1000 }, (_, id) => `piece${id}`);

function header(name: string, vocabulary: Partial<Vocabulary> = {}): ModelHeader {
  return {
    path: `/models/${name}.gguf`,
    architecture: 'llama',
    trainContextSize: 2048,
    bytes: 1,
    caveat: undefined,
    template: { model: name, own: undefined, bos: '', eos: '' },
    vocabulary: { tokens: TOKENS, bos: 1, eos: 2, ...vocabulary },
  };
}

const padded = (count: number) => [...TOKENS, ...Array.from({ length: count }, (_, i) => `[PAD${1000 + i}]`)];
const withToken = (id: number, text: string) => TOKENS.with(id, text);

/** The target as it is, and a draft that differs in one thing. */
const refusal = (draft: Partial<Vocabulary>) => {
  try {
    checkPair(header('large'), header('small', draft));
  } catch (error) {
    expect(error).toBeInstanceOf(PairMismatchError);
    return (error as Error).message;
  }
  return 'accepted';
};

describe('checkPair', () => {
  it('takes two models of one vocabulary, whatever else they are', () => {
    const draft = { ...header('small'), architecture: 'qwen3', trainContextSize: 128 };
    expect(checkPair(header('large'), draft)).toBe(1000);
  });

  it.each([1, 127, 128])(
    'takes a vocabulary that is padded by %d, and returns the size of the other',
    (count) => {
      expect(checkPair(header('large', { tokens: padded(count) }), header('small'))).toBe(1000);
      expect(checkPair(header('large'), header('small', { tokens: padded(count) }))).toBe(1000);
    },
  );

  it('refuses a vocabulary that is longer by 129, with both sizes', () => {
    expect(refusal({ tokens: padded(129) })).toMatch(/sizes.* 1000 \/ 1129/);
    expect(refusal({ tokens: TOKENS.slice(129) })).toMatch(/sizes.* 1000 \/ 871/);
  });

  it.each([0, 499, 999])('refuses another text of token %d, with the token and both texts', (id) => {
    expect(refusal({ tokens: withToken(id, 'o"ther') })).toContain(`token ${id}: "piece${id}" / "o\\"ther"`);
  });

  it('names the first token that differs', () => {
    expect(refusal({ tokens: withToken(40, 'a').with(700, 'b') })).toContain('at token 40:');
  });

  it('refuses other tokens that begin or end a text, with both', () => {
    expect(refusal({ bos: 3 })).toMatch(/BOS.* 1 \/ 3/);
    expect(refusal({ eos: 7 })).toMatch(/EOS.* 2 \/ 7/);
    expect(refusal({ bos: undefined })).toMatch(/BOS.* 1 \/ none/);
    expect(refusal({ eos: undefined })).toMatch(/EOS.* 2 \/ none/);
  });

  it('names both files and says what to do, in one line', () => {
    const message = refusal({ eos: 7 });
    expect(message).toMatch(/^large\.gguf and small\.gguf .*same family/);
    expect(message).not.toContain('\n');
  });
});
