import { basename } from 'node:path';
import { PairMismatchError } from '../errors.js';
import type { ModelHeader } from './header.js';

/** The most tokens by which two vocabularies may differ in length: one family pads them differently. llama.cpp's own bound. */
const PADDING = 128;

type NamedVocabulary = Pick<ModelHeader, 'path' | 'vocabulary'>;

/** The tokens that two vocabularies share. */
export interface CheckedPair {
  /** Number of token ids that both models have; ids from this number on must not be emitted. */
  readonly sharedTokens: number;
  /** Differences that change no text, but may lower the acceptance rate. Each is one sentence. */
  readonly notes: readonly string[];
}

/**
 * Two models make a pair when each token id stands for the same text in both. Their begin and end tokens may differ: the
 * draft model reads the target's tokens, and the target's end token ends a text.
 * @throws PairMismatchError with the first difference
 */
export function checkPair(target: NamedVocabulary, draft: NamedVocabulary): CheckedPair {
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
  return { sharedTokens: shared, notes: notesOn(target, draft) };
}

function notesOn({ vocabulary: t, path }: NamedVocabulary, { vocabulary: d, path: draft }: NamedVocabulary) {
  const files = `${basename(path)} and ${basename(draft)}`;
  const [begins, drafted] = [t, d].map(({ addsBos, bos, tokens }) =>
    addsBos === false ? 'no BOS token' : named(bos, tokens),
  );
  const [ends, ending] = [t, d].map(({ eos, tokens }) => named(eos, tokens));
  return [
    ...(begins === drafted
      ? []
      : [
          `${files} begin texts with ${begins} / ${drafted}; both get the target's, which the draft model may not know`,
        ]),
    ...(ends === ending
      ? []
      : [
          `${files} end texts with ${ends} / ${ending}; the target's counts, which the draft model may not foresee`,
        ]),
  ];
}

function named(token: number | undefined, tokens: readonly string[]): string {
  return token === undefined ? 'none' : `${token} ${show(tokens[token])}`;
}

function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}
