import type { TokenId } from '../types.js';
import type { Penalties } from './penalties.js';
import type { Constraint, Truncation } from './truncate.js';

/** The settings of sampling. The defaults are those of Qin et al., section 6.1. */
export interface SamplingSettings {
  /** >= 0, 0 = the most likely token. */
  readonly temperature: number;
  /** Integer >= 0, 0 = off. */
  readonly topK: number;
  /** (0, 1], 1 = off. */
  readonly topP: number;
  /** [0, 1], 0 = off. */
  readonly minP?: number | undefined;
  readonly penalties?: Penalties | undefined;
  readonly banned?: ReadonlySet<TokenId> | undefined;
  /** Token ids from this number on are never read; undefined = all are read. */
  readonly vocabularySize?: number | undefined;
  readonly constraint?: Constraint | undefined;
}

export const DEFAULT_SAMPLING: SamplingSettings = { temperature: 1, topK: 10, topP: 0.9 };

/** Returns the truncation for rules that sample. Temperature 0 is the limit in which the most likely token has probability 1. */
export function samplingTruncation(settings: SamplingSettings): Truncation {
  return settings.temperature === 0 ? { ...settings, temperature: 1, topK: 1, topP: 1 } : settings;
}

/** Returns the truncation for rules that compare likelihoods. At temperature 0 they use the probabilities of temperature 1. */
export function likelihoodTruncation(settings: SamplingSettings): Truncation {
  return settings.temperature === 0 ? { ...settings, temperature: 1 } : settings;
}
