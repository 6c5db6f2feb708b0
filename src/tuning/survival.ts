import type { LogProb } from '../types.js';

/**
 * How likely a drafted token is to be accepted, told by the joint log-probability q of all guesses up to it under the
 * draft model: sigma(a + b sqrt(-q)), learned while a text is written.
 */
export interface Survival {
  readonly a: number;
  /** <= 0: what the draft model finds unlikely is refused more often. */
  readonly b: number;
  /** Symmetric covariance of a and b: how much is still to be learned. */
  readonly covariance: { readonly aa: number; readonly ab: number; readonly bb: number };
}

/** How much of the last steps the next one forgets, so that a text may change its subject. */
const FORGETTING = 0.9995;

/** What a step that shows nothing leaves of what was learned: half of it is left after 3,500 of them. */
const REMEMBERED = 0.9998;

/** Measured on the embedded pair: what a threshold of 1 gives, and how both follow ln tau. */
const AT_ONE: Survival = { a: 1.5, b: -1.47, covariance: { aa: 1, ab: 0, bb: 0.5 } };
const A_BY_LN_TAU = 0.93;
const B_BY_LN_TAU = 0.16;

/** What is believed before the first step. @param tau threshold of a joint rule, (0, 1]; 1 for the lossless ones */
export function priorSurvival(tau: number): Survival {
  return shifted(AT_ONE, Math.log(tau));
}

/** What is believed when the threshold has moved, by so much of its natural log. */
export function shifted(survival: Survival, move: number): Survival {
  return { ...survival, a: survival.a - A_BY_LN_TAU * move, b: Math.min(0, survival.b + B_BY_LN_TAU * move) };
}

export function survivalOf({ a, b }: Survival, q: LogProb): number {
  return sigma(a + b * Math.sqrt(-q));
}

/** As high as it may still be, by what was seen so far: two standard deviations higher. */
export function highestSurvivalOf({ a, b, covariance: { aa, ab, bb } }: Survival, q: LogProb): number {
  const x = Math.sqrt(-q);
  return sigma(a + b * x + 2 * Math.sqrt(Math.max(0, aa + 2 * ab * x + bb * x * x)));
}

/** What is believed after a step that showed nothing: a little nearer to what was believed first, and as unsure. */
export function unseen(survival: Survival, first: Survival): Survival {
  const faded = (now: number, then: number, kept: number) => then + kept * (now - then);
  const [now, then] = [survival.covariance, first.covariance];
  return {
    a: faded(survival.a, first.a, REMEMBERED),
    b: faded(survival.b, first.b, REMEMBERED),
    covariance: {
      aa: faded(now.aa, then.aa, REMEMBERED ** 2),
      ab: faded(now.ab, then.ab, REMEMBERED ** 2),
      bb: faded(now.bb, then.bb, REMEMBERED ** 2),
    },
  };
}

/**
 * One step of a Kalman filter on the logistic model.
 * @param wasAccepted what became of the guess
 */
export function observed({ a, b, covariance }: Survival, q: LogProb, wasAccepted: boolean): Survival {
  const x = Math.sqrt(-q);
  const p = sigma(a + b * x);
  const aa = Math.min(AT_ONE.covariance.aa, covariance.aa / FORGETTING); // what never varies is not forgotten without end
  const ab = covariance.ab / FORGETTING;
  const bb = Math.min(AT_ONE.covariance.bb, covariance.bb / FORGETTING);
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

function sigma(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
