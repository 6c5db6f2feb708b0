import { expect, it } from 'vitest';
import { learnedKeyOf } from '../../src/generation/pass-keys.js';
import { DEFAULTS } from '../../src/generation/settings.js';
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
