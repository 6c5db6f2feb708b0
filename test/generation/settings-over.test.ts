import { expect, it } from 'vitest';
import { parseSettings } from '../../src/generation/parse-settings.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { settingsOver } from '../../src/generation/settings-over.js';

const GRAMMAR = { gbnf: 'root ::= "a"' };
const none: SettingsInput = { strategy: 'none' as 'mtad' };

it.each<[string, SettingsInput, SettingsInput, SettingsInput]>([
  ['what is not said', { topK: 5, seed: 1 }, { seed: 2 }, { topK: 5, seed: 2 }],
  ['a threshold', { quality: 0.95 }, { threshold: 0.3 }, { threshold: 0.3 }],
  [
    'a threshold with a quality',
    { quality: 0.95 },
    { threshold: 0.3, quality: 1 },
    { threshold: 0.3, quality: 1 },
  ],
  ['a strategy without clips', { clip: true }, { strategy: 'speculative' }, { strategy: 'speculative' }],
  ['a strategy with clips', { clip: true }, { strategy: 'mtad' }, { clip: true, strategy: 'mtad' }],
  ['a strategy of trees', { draftFrom: 'lookup' }, { strategy: 'mmtad' }, { strategy: 'mmtad' }],
  ['a source without passes', { draftFirst: 'corpus' }, { draftFrom: 'lookup' }, { draftFrom: 'lookup' }],
  ['a grammar', { ignoreEos: true }, { grammar: GRAMMAR }, { grammar: GRAMMAR }],
  ['a strategy that is none', { clip: true }, none, { clip: true, ...none }],
])('%s is kept, and what it rules out is not', (_, weaker, stronger, expected) => {
  expect(settingsOver(weaker, stronger)).toEqual(expected);
});

it('what is said more strongly is refused where the strategy of below cannot do it', () => {
  const asked = settingsOver({ strategy: 'speculative' }, { clip: true });
  expect(() => parseSettings(asked)).toThrow('`clip` changes the rule of mtad');
  const first = settingsOver({ draftFrom: 'lookup' }, { draftFirst: 'corpus' });
  expect(() => parseSettings(first)).toThrow('`draftFirst` corpus guesses in place of a draft model');
});
