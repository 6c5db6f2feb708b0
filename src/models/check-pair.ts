import { basename } from 'node:path';
import { PairMismatchError } from '../errors.js';
import type { ModelHeader } from './header.js';

/** Vocabularies of one family are padded to different lengths; llama.cpp tolerates as much. */
const PADDING = 128;

type NamedVocabulary = Pick<ModelHeader, 'path' | 'vocabulary'>;

/**
 * Two models make a pair when the same token id means the same text to both.
 * @returns how many token ids mean something to both: ids from there on must not be emitted
 * @throws PairMismatchError naming the first difference
 */
export function checkPair(target: NamedVocabulary, draft: NamedVocabulary): number {
  const [t, d] = [target.vocabulary, draft.vocabulary];
  const shared = Math.min(t.tokens.length, d.tokens.length);
  const differ = (what: string, ours: unknown, theirs: unknown) =>
    new PairMismatchError(
      `${basename(target.path)} and ${basename(draft.path)} do not make a pair: ${what} ${show(ours)} / ${show(theirs)}; ` +
        'use a draft model of the same family as the target',
    );

  if (Math.abs(t.tokens.length - d.tokens.length) > PADDING)
    throw differ('vocabulary sizes differ by more than 128 tokens:', t.tokens.length, d.tokens.length);
  for (let i = 0; i < shared; i++)
    if (t.tokens[i] !== d.tokens[i])
      throw differ(`vocabularies differ at token ${i}:`, t.tokens[i], d.tokens[i]);
  if (t.bos !== d.bos) throw differ('their BOS tokens differ:', t.bos, d.bos);
  if (t.eos !== d.eos) throw differ('their EOS tokens differ:', t.eos, d.eos);
  return shared;
}

function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}
