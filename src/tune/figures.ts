import { bootstrap, type Estimate } from '../math/bootstrap.js';
import { distinct } from '../math/distinct.js';
import { createRng } from '../math/rng.js';
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

/** What a text is worth. */
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

/** Statistics of texts, each with its interval. */
export function figuresOf<Text>(
  texts: readonly Text[],
  statistics: { readonly [Name in keyof Figures]: (texts: readonly Text[]) => number },
): Figures {
  const estimate = (name: keyof Figures) => bootstrap(texts, statistics[name], createRng(1));
  return {
    speedUp: estimate('speedUp'),
    perplexity: estimate('perplexity'),
    distinct2: estimate('distinct2'),
    repeated4: estimate('repeated4'),
  };
}

/**
 * What was measured.
 * @param texts of a setting, and those of plain decoding from the same prompts
 */
export function measured(texts: readonly Recorded[], plain: readonly Recorded[]): Figures {
  const pairs = texts.map((text, i) => ({
    ...worthOf(text),
    ms: text.counters.ms.decode,
    plainMs: plain[i]!.counters.ms.decode,
    plainTokens: plain[i]!.tokens.length,
  }));
  return figuresOf(pairs, {
    speedUp: (some) =>
      (sum(some, ({ plainMs }) => plainMs) * sum(some, ({ tokens }) => tokens)) /
      (sum(some, ({ ms }) => ms) * sum(some, ({ plainTokens }) => plainTokens)),
    perplexity: perplexityOf,
    distinct2: (some) => meanOf(some, 'distinct2'),
    repeated4: (some) => meanOf(some, 'repeated4'),
  });
}

/** Of all texts together. */
export function perplexityOf(texts: readonly Pick<Worth, 'tokens' | 'logProbSum'>[]): number {
  return Math.exp(-sum(texts, ({ logProbSum }) => logProbSum) / sum(texts, ({ tokens }) => tokens));
}

/** Of the texts that are long enough to have it. */
export function meanOf(texts: readonly Pick<Worth, Repetition>[], figure: Repetition): number {
  const known = texts.map((text) => text[figure]).filter(Number.isFinite);
  return sum(known, (value) => value) / known.length;
}

export function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
