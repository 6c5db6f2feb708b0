/** What a rule writes, by exact enumeration: the probability of each text, and of each number of accepted tokens. */
import { expect } from 'vitest';
import type { Distribution, Draft, Rng, TokenId, Verdict } from '../../src/types.js';
import { everyWay } from '../support/fake-coins.js';
import { fakeChain } from '../support/fake-distribution.js';

export type Rule = (draft: Draft, p: readonly Distribution[], rng: Rng) => Verdict;

/** All verdicts on a draft, with their probabilities. */
export type Verdicts = (
  draft: Draft,
  p: readonly Distribution[],
) => readonly { outcome: Verdict; weight: number }[];

/** A model: what follows a text. */
export type Source = (text: readonly TokenId[]) => Distribution;

/** Probability of each text. */
export type Law = ReadonlyMap<string, number>;

/** A model that takes no notice of the text but its length. */
export const inTurn =
  (...distributions: Distribution[]): Source =>
  ({ length }) =>
    distributions[length]!;

interface Text {
  readonly tokens: readonly TokenId[];
  readonly weight: number; // probability
}

export interface Block extends Text {
  readonly accepted: number;
}

/** A coin falls into one of 12 equal parts: exact for rules all of whose thresholds are multiples of 1/12. */
export const byTwelfths =
  (rule: Rule): Verdicts =>
  (draft, p) =>
    everyWay(12, (rng) => rule(draft, p, rng));

/** All texts of a length, or of what is left of it after `text`. */
export function textsOf(source: Source, length: number, text: Text = { tokens: [], weight: 1 }): Text[] {
  if (text.tokens.length >= length) return [text];
  const { tokens, logProbs } = source(text.tokens);
  return Array.from(tokens, (token, i) =>
    textsOf(source, length, {
      tokens: [...text.tokens, token],
      weight: text.weight * Math.exp(logProbs[i]!),
    }),
  ).flat();
}

/** All that one round of drafting `gamma` tokens from q and judging them by p can emit; equal blocks are one. */
export function blocksOf(q: Source, p: Source, gamma: number, verdicts: Verdicts): Block[] {
  const all = new Map<string, Block>();
  for (const { tokens: drafted, weight: ofDraft } of textsOf(q, gamma)) {
    const before = Array.from({ length: gamma + 1 }, (_, i) => drafted.slice(0, i));
    const draft = fakeChain(...drafted.map((token, i) => [token, q(before[i]!)] as [TokenId, Distribution]));
    for (const { outcome, weight } of verdicts(draft, before.map(p))) {
      const accepted = outcome.accepted.length;
      const tokens = [...drafted.slice(0, accepted), outcome.next!];
      const sum = (all.get(`${tokens}`)?.weight ?? 0) + ofDraft * weight;
      all.set(`${tokens}`, { accepted, tokens, weight: sum });
    }
  }
  return [...all.values()];
}

export const meanAccepted = (blocks: readonly Block[]): number =>
  blocks.reduce((sum, { accepted, weight }) => sum + accepted * weight, 0);

/** The law of the first `length` tokens of texts that begin with a block; `grow` lengthens a text that is too short. */
export function lawOf(
  blocks: readonly Text[],
  length: number,
  grow: (text: Text) => readonly Text[] = () => [],
): Law {
  const law = new Map<string, number>();
  for (const waiting = [...blocks]; waiting.length > 0; ) {
    const text = waiting.pop()!;
    const key = text.tokens.slice(0, length).join(' ');
    if (text.tokens.length < length) waiting.push(...grow(text));
    else law.set(key, (law.get(key) ?? 0) + text.weight);
  }
  return law;
}

/** Lengthens a text by any of these blocks: for models that take no notice of the text. */
export const byBlocks =
  (blocks: readonly Block[]) =>
  (text: Text): Text[] =>
    blocks.map(({ tokens, weight }) => ({
      tokens: [...text.tokens, ...tokens],
      weight: text.weight * weight,
    }));

export function expectSameLaw(law: Law, expected: Law): void {
  expect([...law.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [text, probability] of expected) expect(law.get(text)).toBeCloseTo(probability, 9);
}

export function largestDifference(law: Law, expected: Law): number {
  const texts = new Set([...law.keys(), ...expected.keys()]);
  return Math.max(...[...texts].map((text) => Math.abs((law.get(text) ?? 0) - (expected.get(text) ?? 0))));
}
