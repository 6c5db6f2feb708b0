import { expect, it } from 'vitest';
import { learnedKeyOf } from '../../src/generation/pass-keys.js';
import { DEFAULTS, type Settings } from '../../src/generation/settings.js';
import { readHeader } from '../../src/models/header.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { corpusOf } from '../support/corpus-of.js';

it('learns apart of another corpus, and of one corpus together while it grows a little', async () => {
  const header = await readHeader(EMBEDDED_PAIR.model);
  const keyOf = (corpusPath: string, tokens: number, draftFirst: 'corpus' | 'none' = 'corpus') => {
    const corpus = corpusOf(Array.from({ length: tokens }, (_, i) => i % 7));
    const pair = { targetHeader: header, draftHeader: header, corpus, corpusPath };
    return learnedKeyOf(pair, { ...DEFAULTS, draftFirst }, { draft: 1 });
  };
  const key = await keyOf('/a.corpus', 100);
  expect(await keyOf('/a.corpus', 110)).toEqual(key);
  expect(await keyOf('/b.corpus', 100)).not.toEqual(key);
  expect(await keyOf('/b.corpus', 100, 'none')).toEqual(await keyOf('/a.corpus', 100, 'none'));
});

it('has few keys, whatever sampling settings a client thinks of, and apart what is off', async () => {
  const header = await readHeader(EMBEDDED_PAIR.model);
  const pair = { targetHeader: header, draftHeader: header, corpus: undefined, corpusPath: undefined };
  const keyOf = async (sampling: Partial<Settings>) =>
    JSON.stringify(await learnedKeyOf(pair, { ...DEFAULTS, ...sampling }, { draft: 1 }));
  const falling = (highest: number) => Array.from({ length: 100 }, (_, i) => highest * 0.8 ** i);
  for (const [name, values, off, almostOff] of [
    ['temperature', falling(1_000_000), 0, 0.001],
    ['topK', falling(1_000_000).map(Math.ceil), 0, 1],
    ['topP', falling(1), 1, 0.999],
    ['minP', falling(1), 0, 0.001],
    ['threshold', falling(1), 1, 0.5],
  ] as const) {
    const keys = new Set(await Promise.all(values.map((value) => keyOf({ [name]: value }))));
    expect(keys.size, name).toBeLessThan(26);
    expect(keys.size, name).toBeGreaterThan(5);
    expect(await keyOf({ [name]: off }), name).not.toBe(await keyOf({ [name]: almostOff }));
  }
});
