import { basename } from 'node:path';
import { PairMismatchError } from '../errors.js';
import type { ModelHeader } from './header.js';

/** Vocabularies of one family are padded to different lengths; llama.cpp tolerates as much. */
const PADDING = 128;

type NamedVocabulary = Pick<ModelHeader, 'path' | 'vocabulary'>;

/** What two vocabularies have in common. */
export interface CheckedPair {
  /** How many token ids mean something to both: ids from there on must not be emitted. */
  readonly sharedTokens: number;
  /** Differences that change no text, but may make the draft model guess worse. A sentence each. */
  readonly notes: readonly string[];
}

/**
 * Two models make a pair when the same token id means the same text to both. Where their texts begin and end does not
 * matter: the draft model reads the target's tokens, and what ends a text is the target's.
 * @throws PairMismatchError naming the first difference
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
