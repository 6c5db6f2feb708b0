import type { Step } from '../decoding/loop.js';
import { jointLogQ, likeliestLeaf, pathTo } from '../math/draft-tree.js';
import { surplusOf } from './quality-budget.js';
import { type Survival, survivalOf } from './survival.js';

/** By what it is seen that a draft model, or a text, is not what it was. */
export const SIGNS = ['acceptance', 'survival', 'likelihood', 'tokensPerPass'] as const;

/** The name of such a sign. */
export type Sign = (typeof SIGNS)[number];

/** What one step says of each sign; undefined where it says nothing. */
export type Signs = Readonly<Record<Sign, number | undefined>>;

/**
 * What one step says of each sign; undefined where it says nothing, as a step without guesses does of most.
 * @param survival that was expected
 * @param temperature of the sampling, >= 0
 */
export function signsOf(step: Step, survival: Survival, temperature: number): Signs {
  const { draft, path, emitted } = step;
  const logQ = jointLogQ(draft);
  const likeliest = pathTo(draft, likeliestLeaf(draft));
  const surprises = likeliest.map(
    (node, i) => (path[i] === node ? 1 : 0) - survivalOf(survival, logQ[node]!),
  );
  const guessed = <T>(value: T) => (likeliest.length === 0 ? undefined : value);
  return {
    acceptance: guessed(path.length > 0 ? 1 : 0),
    survival: guessed(surprises.reduce((a, b) => a + b, 0) / surprises.length),
    likelihood: guessed(surplusOf(step, temperature) / emitted.length),
    tokensPerPass: emitted.length,
  };
}
