import { bootstrap, type Estimate } from '../math/bootstrap.js';
import { distinct } from '../math/distinct.js';
import { createRng } from '../math/rng.js';
import { sum } from '../math/sum.js';
import type { Recorded } from './recording.js';

/** Speed and quality, foretold or measured, with 95 % intervals over prompts; null = not known. */
export interface Figures {
  /** Against plain decoding. */
  readonly speedUp: Estimate | null;
  /** Under the target. */
  readonly perplexity: Estimate | null;
  /** Different pairs of tokens ÷ pairs. */
  readonly distinct2: Estimate | null;
  /** Share of the runs of four tokens that the text has had before. */
  readonly repeated4: Estimate | null;
}

/** Measured figures, also paired with plain decoding prompt by prompt, since a hard prompt is hard for both. */
export interface Measured extends Figures {
  /** Perplexity ÷ that of plain decoding. */
  readonly perplexityRatio: Estimate | null;
  /** Distinct-2 ÷ that of plain decoding. */
  readonly distinct2Ratio: Estimate | null;
}

/** The quality of a text. */
export interface Worth {
  readonly tokens: number;
  /** Sum of the raw log-probabilities of its tokens. */
  readonly logProbSum: number;
  readonly distinct2: number;
  readonly repeated4: number;
}

/** A measure of repetition. */
export type Repetition = 'distinct2' | 'repeated4';

export function worthOf({ tokens, logProbSum }: Pick<Recorded, 'tokens' | 'logProbSum'>): Worth {
  return {
    tokens: tokens.length,
    logProbSum,
    distinct2: distinct(tokens, 2),
    repeated4: 1 - distinct(tokens, 4),
  };
}

/** Returns statistics of texts, each with its interval. */
export function estimatesOf<Text, Name extends string>(
  texts: readonly Text[],
  statistics: Readonly<Record<Name, (texts: readonly Text[]) => number>>,
): Record<Name, Estimate | null> {
  const names = Object.keys(statistics) as Name[];
  const estimates = names.map((name) => [name, bootstrap(texts, statistics[name], createRng(1))] as const);
  return Object.fromEntries(estimates) as Record<Name, Estimate | null>;
}

/**
 * Returns the measured figures of a setting.
 * @param texts its texts
 * @param plain texts of plain decoding from the same prompts, in the same order
 */
export function measured(texts: readonly Recorded[], plain: readonly Recorded[]): Measured {
  const pairs = texts.map((text, i) => ({
    ...worthOf(text),
    ms: text.counters.ms.decode,
    plain: { ...worthOf(plain[i]!), ms: plain[i]!.counters.ms.decode },
  }));
  type Pairs = typeof pairs;
  const perToken = (some: readonly { readonly ms: number; readonly tokens: number }[]) =>
    sum(some, ({ ms }) => ms) / sum(some, ({ tokens }) => tokens);
  const against =
    (statistic: (some: readonly Pairs[number]['plain'][]) => number) => (some: Readonly<Pairs>) =>
      statistic(some) / statistic(some.map(({ plain }) => plain));
  const distinct2 = (some: readonly Worth[]) => meanOf(some, 'distinct2');
  return estimatesOf(pairs, {
    speedUp: (some) => 1 / against(perToken)(some),
    perplexity: perplexityOf,
    distinct2,
    repeated4: (some) => meanOf(some, 'repeated4'),
    perplexityRatio: against(perplexityOf),
    distinct2Ratio: against(distinct2),
  });
}

/** Returns the perplexity of all texts together. */
export function perplexityOf(texts: readonly Pick<Worth, 'tokens' | 'logProbSum'>[]): number {
  return Math.exp(-sum(texts, ({ logProbSum }) => logProbSum) / sum(texts, ({ tokens }) => tokens));
}

/** Returns the mean of a figure over the texts that are long enough to have it. */
export function meanOf(texts: readonly Pick<Worth, Repetition>[], figure: Repetition): number {
  const known = texts.map((text) => text[figure]).filter(Number.isFinite);
  return sum(known, (value) => value) / known.length;
}
