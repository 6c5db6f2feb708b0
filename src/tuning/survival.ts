import type { LogProb } from '../types.js';

/**
 * The probability that a drafted token is accepted, given the joint log-probability q of all guesses up to it under the draft
 * model: sigma(a + b sqrt(-q)). It is learned while a text is written.
 */
export interface Survival {
  readonly a: number;
  /** <= 0: guesses that the draft model finds unlikely are refused more often. */
  readonly b: number;
  /** Symmetric covariance of a and b: how uncertain they still are. */
  readonly covariance: { readonly aa: number; readonly ab: number; readonly bb: number };
}

/** A guess of which the draft says no likelihood, of a lookup or at temperature 0, counts as if it were this likely. */
export const UNTOLD = Math.log(0.7);

/** Weight of earlier observations at each new one, so that a text may change its subject. */
const FORGETTING = 0.9995;

/** Share of the learned values that a step without drafts leaves: half of them after 3,500 steps. */
const REMEMBERED = 0.9998;

/** How much less certain the values are for another text, as a share of what is uncertain at first. */
const LOOSENED = 0.1;

/** Measured on the embedded pair: the values at a threshold of 1, and their change with ln tau. */
const AT_ONE: Survival = { a: 1.5, b: -1.47, covariance: { aa: 1, ab: 0, bb: 0.5 } };
const A_BY_LN_TAU = 0.93;
const B_BY_LN_TAU = 0.16;

/** Returns the values before the first step. @param tau threshold of a joint rule, (0, 1]; 1 for lossless rules */
export function priorSurvival(tau: number): Survival {
  return shifted(AT_ONE, Math.log(tau));
}

/** Returns the values after a change of the threshold. @param move change of ln tau */
export function shifted(survival: Survival, move: number): Survival {
  return { ...survival, a: survival.a - A_BY_LN_TAU * move, b: Math.min(0, survival.b + B_BY_LN_TAU * move) };
}

export function survivalOf({ a, b }: Survival, q: LogProb): number {
  return sigma(a + b * Math.sqrt(-q));
}

/** Returns an upper bound of the probability, given the observations: two standard deviations above it. */
export function highestSurvivalOf(survival: Survival, q: LogProb): number {
  return sigma(survival.a + survival.b * Math.sqrt(-q) + 2 * spreadOf(survival, q));
}

/** Returns the standard deviation of a + b sqrt(-q). */
export function spreadOf({ covariance: { aa, ab, bb } }: Survival, q: LogProb): number {
  const x = Math.sqrt(-q);
  return Math.sqrt(Math.max(0, aa + 2 * ab * x + bb * x * x)); // rounding may take it below 0
}

/** Returns the values after steps without drafts. They move a little towards the first values, as does their uncertainty. */
export function unseen(survival: Survival, first: Survival, steps = 1): Survival {
  const faded = (now: number, then: number, kept: number) => then + kept * (now - then);
  const [now, then] = [survival.covariance, first.covariance];
  const kept = REMEMBERED ** steps;
  return {
    a: faded(survival.a, first.a, kept),
    b: faded(survival.b, first.b, kept),
    covariance: {
      aa: faded(now.aa, then.aa, kept ** 2),
      ab: faded(now.ab, then.ab, kept ** 2),
      bb: faded(now.bb, then.bb, kept ** 2),
    },
  };
}

/** Returns the values for another text, which may be of another kind: they are the same, and less certain. */
export function loosened({ a, b, covariance: { aa, ab, bb } }: Survival): Survival {
  const most = AT_ONE.covariance;
  const looser = (one: number, highest: number) => Math.min(highest, one + LOOSENED * highest);
  return { a, b, covariance: { aa: looser(aa, most.aa), ab, bb: looser(bb, most.bb) } };
}

/**
 * One step of a Kalman filter on the logistic model.
 * @param wasAccepted whether the guess was accepted
 */
export function observed({ a, b, covariance }: Survival, q: LogProb, wasAccepted: boolean): Survival {
  const x = Math.sqrt(-q);
  const p = sigma(a + b * x);
  const growth = growthOf(covariance);
  const aa = covariance.aa * growth;
  const ab = covariance.ab * growth;
  const bb = covariance.bb * growth;
  const gainA = aa + ab * x; // covariance times (1, x)
  const gainB = ab + bb * x;
  const weight = p * (1 - p);
  const scale = 1 / (1 + weight * (gainA + gainB * x));
  const error = (wasAccepted ? 1 : 0) - p;
  return {
    a: a + scale * gainA * error,
    b: Math.min(0, b + scale * gainB * error),
    covariance: {
      aa: aa - scale * weight * gainA * gainA,
      ab: ab - scale * weight * gainA * gainB,
      bb: bb - scale * weight * gainB * gainB,
    },
  };
}

/**
 * The factor by which forgetting raises the uncertainty. Where nothing varies, it must not grow without end; it grows as a
 * whole, since a covariance whose parts grow apart is none.
 */
function growthOf({ aa, bb }: Survival['covariance']): number {
  const most = AT_ONE.covariance;
  return Math.min(1 / FORGETTING, most.aa / aa, most.bb / bb);
}

function sigma(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
