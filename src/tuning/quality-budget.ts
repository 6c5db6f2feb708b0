import type { Step } from '../decoding/loop.js';
import { logProbOf } from '../math/distribution.js';
import type { Distribution, LogProb } from '../types.js';

/** Where it begins. */
export const FIRST_THRESHOLD = 0.5;

/** How low it may go. */
const LOWEST = Math.log(0.005);

/** How far one token of likelihood, in nats, moves ln tau, and how many of them one step counts at most. */
const RATE = 0.05;
const MOST_OF_A_STEP = 3;

/** What has become of the likelihood so far. */
export interface Quality {
  /** The threshold now. */
  readonly threshold: number;
  /** Perplexity of the text ÷ that of plain sampling at the same places, an estimate; 1 where nothing was written. */
  readonly perplexityRatio: number;
  /** Whether the threshold stands at an end of its range, so that the ratio asked for may be out of reach. */
  readonly isAtLimit: boolean;
}

/**
 * The acceptance threshold that buys as much speed as a given perplexity allows: after each step it falls if the text is
 * likelier than was asked for, and rises if it is not. What plain sampling would have had at a place is the expectation of
 * the log-probability there under the target's own distribution, which is known without sampling. A correction or bonus
 * token is drawn from that distribution, so it counts at its expectation.
 */
export class QualityBudget {
  readonly #lnRatio: number;
  readonly #temperature: number;
  #lnTau = Math.log(FIRST_THRESHOLD);
  #surplus = 0; // nats, of all accepted tokens
  #tokens = 0;

  /** @param ratio perplexity of the text ÷ that of plain sampling at most, > 0; @param temperature of the sampling, >= 0 */
  constructor(ratio: number, temperature: number) {
    this.#lnRatio = Math.log(ratio);
    this.#temperature = temperature;
  }

  /** A new text: the threshold stays where it is. */
  restart(): void {
    this.#surplus = 0;
    this.#tokens = 0;
  }

  /** (0, 1] */
  get threshold(): number {
    return Math.exp(this.#lnTau);
  }

  get quality(): Quality {
    return {
      threshold: this.threshold,
      perplexityRatio: this.#tokens === 0 ? 1 : Math.exp(-this.#surplus / this.#tokens),
      isAtLimit: this.#lnTau === LOWEST || this.#lnTau === 0,
    };
  }

  /** @returns how far ln tau has moved */
  learn(step: Step): number {
    const surplus = surplusOf(step, this.#temperature);
    this.#surplus += surplus;
    this.#tokens += step.emitted.length;
    const left = surplus + step.emitted.length * this.#lnRatio;
    const move = -RATE * Math.max(-MOST_OF_A_STEP, Math.min(MOST_OF_A_STEP, left));
    const before = this.#lnTau;
    this.#lnTau = Math.max(LOWEST, Math.min(0, before + move));
    return this.#lnTau - before;
  }
}

/** How much likelier to the target the accepted tokens are than what it would have sampled in their places, in nats. */
export function surplusOf({ draft, p, path }: Step, temperature: number): number {
  const surpluses = path.map((node) => surplusOfGuess(draft[node]!, p, temperature));
  return surpluses.reduce((a, b) => a + b, 0);
}

/** The same of one drafted token, if it is accepted. @param p target distributions: p[0] after the prefix, p[i + 1] after draft[i] */
export function surplusOfGuess(
  { token, parent }: Step['draft'][number],
  p: readonly Distribution[],
  temperature: number,
): LogProb {
  const before = p[parent + 1]!;
  const own = logProbOf(before, token);
  if (temperature === 0) return own - before.logProbs[0]!;
  return temperature * (own - meanLogProb(before)); // raw log-probabilities: what the logits were divided by
}

/** Of a token drawn from it. */
function meanLogProb({ logProbs }: Distribution): LogProb {
  return logProbs.reduce((sum, logProb) => sum + Math.exp(logProb) * logProb, 0);
}
