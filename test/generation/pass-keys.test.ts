import { expect, it } from 'vitest';
import { learnedKeyOf } from '../../src/generation/pass-keys.js';
import { DEFAULTS, type Settings } from '../../src/generation/settings.js';
import { corpusOf } from '../support/corpus-of.js';

const MODELS = { target: 'a.gguf 1 1', draft: 'b.gguf 1 1' };

it('learns apart of another corpus, and of one corpus together while it grows a little', () => {
  const keyOf = (corpusPath: string, tokens: number, draftFirst: 'corpus' | 'none' = 'corpus') => {
    const corpus = corpusOf(Array.from({ length: tokens }, (_, i) => i % 7));
    return learnedKeyOf(MODELS, { corpus, corpusPath }, { ...DEFAULTS, draftFirst });
  };
  const key = keyOf('/a.corpus', 100);
  expect(keyOf('/a.corpus', 110)).toEqual(key);
  expect(keyOf('/b.corpus', 100)).not.toEqual(key);
  expect(keyOf('/b.corpus', 100, 'none')).toEqual(keyOf('/a.corpus', 100, 'none'));
});

it('has few keys, whatever sampling settings a client thinks of, and apart what is off', () => {
  const pair = { corpus: undefined, corpusPath: undefined };
  const keyOf = (sampling: Partial<Settings>) =>
    JSON.stringify(learnedKeyOf(MODELS, pair, { ...DEFAULTS, ...sampling }));
  const falling = (highest: number) => Array.from({ length: 100 }, (_, i) => highest * 0.8 ** i);
  for (const [name, values, off, almostOff] of [
    ['temperature', falling(1_000_000), 0, 0.001],
    ['topK', falling(1_000_000).map(Math.ceil), 0, 1],
    ['topP', falling(1), 1, 0.999],
    ['minP', falling(1), 0, 0.001],
    ['threshold', falling(1), 1, 0.5],
  ] as const) {
    const keys = new Set(values.map((value) => keyOf({ [name]: value })));
    expect(keys.size, name).toBeLessThan(26);
    expect(keys.size, name).toBeGreaterThan(5);
    expect(keyOf({ [name]: off }), name).not.toBe(keyOf({ [name]: almostOff }));
  }
});
