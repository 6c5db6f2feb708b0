import type { PassAnswer } from '../engine/passes.js';
import { sum } from '../math/sum.js';

/** The work that a model has done so far. */
export interface Work {
  /** Number of evaluations by the engine. */
  readonly passes: number;
  /** Number of tokens that they evaluated. */
  readonly tokens: number;
  /** Time inside the engine's library, without reading and planning, in milliseconds. */
  readonly ms: number;
  /** Time that passes waited for passes of other texts on the same engine, in milliseconds. */
  readonly waitMs: number;
}

export const NO_WORK: Work = { passes: 0, tokens: 0, ms: 0, waitMs: 0 };

/** Returns the sum. */
export function together(works: readonly Work[]): Work {
  const total = (of: keyof Work) => sum(works, (work) => work[of]);
  return { passes: total('passes'), tokens: total('tokens'), ms: total('ms'), waitMs: total('waitMs') };
}

/**
 * Returns the work with one call more. A call that evaluates nothing, and only forgets and copies, is no pass.
 * @param evaluated number of tokens
 */
export function withPass(work: Work, evaluated: number, time: Pick<PassAnswer, 'ms' | 'waitMs'>): Work {
  return {
    passes: work.passes + (evaluated > 0 ? 1 : 0),
    tokens: work.tokens + evaluated,
    ms: work.ms + time.ms,
    waitMs: work.waitMs + time.waitMs,
  };
}
