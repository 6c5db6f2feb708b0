import type { Drafter } from '../drafting/drafter.js';
import type { Truncation } from '../math/truncate.js';
import type { Distribution, Draft, Rng, Verdict } from '../types.js';

/** A way to draft tokens, and a rule that judges them. */
export interface Strategy {
  /** How logits become distributions, in the target and in the draft model alike. */
  readonly truncation: Truncation;
  readonly draft: Drafter;
  /**
   * @param draft what `draft` returned
   * @param p target distributions: p[0] after the prefix, p[i + 1] after draft[i]
   */
  accept(draft: Draft, p: readonly Distribution[], rng: Rng): Verdict;
}
