import type { Step } from '../decoding/loop.js';
import { logProbOf } from '../math/distribution.js';
import { jointLogQ, likeliestLeaf, pathTo } from '../math/draft-tree.js';
import type { Distribution, Draft } from '../types.js';
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
  const { draft, p, path, emitted } = step;
  const [first] = pathTo(draft, likeliestLeaf(draft));
  const kept = first === undefined ? undefined : likeness(draft[first]!, p[0]!);
  return {
    acceptance: kept,
    survival: kept === undefined ? undefined : kept - survivalOf(survival, jointLogQ(draft)[first!]!),
    likelihood: path.length === 0 ? undefined : surplusOf(step, temperature) / path.length,
    tokensPerPass: emitted.length,
  };
}

/**
 * How likely speculative sampling would be to accept a first guess, [0, 1]. The joint rule would accept more the longer the
 * draft is, and lengths follow the costs of the day.
 */
function likeness({ token, q }: Draft[number], p: Distribution): number {
  return Math.exp(Math.min(0, logProbOf(p, token) - logProbOf(q, token)));
}
