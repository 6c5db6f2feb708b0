import { describe, expect, it } from 'vitest';
import { PairMismatchError } from '../../src/errors.js';
import { checkPair } from '../../src/models/check-pair.js';
import type { ModelHeader, Vocabulary } from '../../src/models/header.js';

const TOKENS = Array.from({ length: 1000 }, (_, id) => `piece${id}`);

function header(name: string, vocabulary: Partial<Vocabulary> = {}): ModelHeader {
  return {
    path: `/models/${name}.gguf`,
    architecture: 'llama',
    headLayers: 0,
    trainContextSize: 2048,
    bytes: 1,
    caveat: undefined,
    template: { model: name, own: undefined, bos: '', eos: '' },
    vocabulary: { tokens: TOKENS, bos: 1, addsBos: undefined, eos: 2, ...vocabulary },
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
    expect(checkPair(header('large'), draft)).toEqual({ sharedTokens: 1000, notes: [] });
  });

  it.each([1, 127, 128])(
    'takes a vocabulary that is padded by %d, and returns the size of the other',
    (count) => {
      const longer = header('large', { tokens: padded(count) });
      expect(checkPair(longer, header('small')).sharedTokens).toBe(1000);
      expect(checkPair(header('small'), longer).sharedTokens).toBe(1000);
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

  it.each<[what: string, target: Partial<Vocabulary>, draft: Partial<Vocabulary>, notes: RegExp[]]>([
    [
      'end texts differently',
      {},
      { eos: 7 },
      [/end texts with 2 "piece2" \/ 7 "piece7"; the target's counts/],
    ],
    ['say not at all how they end', {}, { eos: undefined }, [/end texts with 2 "piece2" \/ none;/]],
    [
      'begin texts differently',
      {},
      { bos: 3 },
      [/begin texts with 1 "piece1" \/ 3 "piece3"; both get the target's/],
    ],
    ['begin them with a token and without', {}, { addsBos: false }, [/1 "piece1" \/ no BOS token;/]],
    ['name tokens that are never added', { addsBos: false }, { bos: 3, addsBos: false }, []],
    ['differ at both ends', {}, { bos: undefined, eos: 7 }, [/begin/, /end/]],
  ])('takes models that %s, and says so where it matters', (_, target, draft, notes) => {
    const checked = checkPair(header('large', target), header('small', draft));
    expect(checked).toEqual({ sharedTokens: 1000, notes: notes.map((note) => expect.stringMatching(note)) });
    for (const note of checked.notes) expect(note).toMatch(/^large\.gguf and small\.gguf .*[^.]$/);
  });

  it('names both files and says what to do, in one line', () => {
    const message = refusal({ tokens: withToken(7, 'other') });
    expect(message).toMatch(/^large\.gguf and small\.gguf .*same family/);
    expect(message).not.toContain('\n');
  });
});
