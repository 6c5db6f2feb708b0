import type { Step } from '../decoding/loop.js';
import { takesPasses } from '../drafting/drafter.js';
import { logProbOf } from '../math/distribution.js';
import { likeliestLeaf, pathTo } from '../math/draft-tree.js';
import { surplusOfGuess } from './quality-budget.js';

/** The signs by which drift of texts or of the draft model is seen. */
export const SIGNS = ['acceptance', 'likelihood'] as const;

/** The name of a sign. */
export type Sign = (typeof SIGNS)[number];

/**
 * The signs of one step. They are of the first guess alone: what is accepted behind it depends on the length of the draft,
 * which follows the costs of passes.
 */
export interface Signs extends Readonly<Record<Sign, number>> {
  /** How sure the draft model was of its guess, [0..SURENESSES). Where passes are dear, unsure guesses are left out. */
  readonly sureness: number;
}

/** The bounds between the kinds, in probabilities of a guess. */
const BETWEEN = [0.25, 0.5, 0.75];

/** Number of kinds of guesses that are compared with each other. */
export const SURENESSES = BETWEEN.length + 1;

/** The most nats by which one guess counts as less likely, since the target finds some guesses impossible. */
const MOST_NATS = 3;

/**
 * Returns the signs of a step; undefined: it has no guess of a model.
 * @param temperature of the sampling, >= 0
 */
export function signsOf({ draft, p }: Step, temperature: number): Signs | undefined {
  const [first] = pathTo(draft, likeliestLeaf(draft));
  if (first === undefined) return undefined;
  const guess = draft[first]!;
  if (guess.isTail || (guess.from && !takesPasses(guess.from))) return undefined;
  const logQ = logProbOf(guess.q, guess.token);
  return {
    sureness: BETWEEN.filter((bound) => Math.exp(logQ) >= bound).length,
    acceptance: Math.exp(Math.min(0, logProbOf(p[0]!, guess.token) - logQ)), // by speculative sampling
    likelihood: Math.max(-MOST_NATS, surplusOfGuess(guess, p, temperature)),
  };
}
